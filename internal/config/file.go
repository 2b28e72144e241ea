package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// FileVariable names the file of further TRELLIS_* variables.
const FileVariable = "TRELLIS_CONFIG"

// UseFile sets the variables of the file that TRELLIS_CONFIG names, a line
// NAME=value each, where the environment has none of that name. A name that is
// not known is an error, and then nothing is set: it is a slip that would
// otherwise go unnoticed. It changes the process's environment, so it runs
// before anything else reads that.
func UseFile(known []string) error {
	path, ok := os.LookupEnv(FileVariable)
	if !ok {
		return nil
	}
	values, err := godotenv.Read(path)
	if pathError := (*os.PathError)(nil); errors.As(err, &pathError) {
		return fmt.Errorf("the file of %s cannot be read: %w", FileVariable, err)
	}
	if _, nameless := values[""]; err != nil || nameless {
		return fmt.Errorf("%s is not lines of NAME=value", path) // the parser's words quote lines, which may hold secrets
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%s sets %s, which is not a setting; README.md lists them", path, name)
		}
	}
	for name, value := range values {
		if _, set := os.LookupEnv(name); set || strings.TrimSpace(value) == "" {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("%s in %s cannot be set: %w", name, path, err)
		}
	}
	return nil
}
