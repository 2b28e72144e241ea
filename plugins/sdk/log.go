package sdk

import (
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// newLogger returns a logger that writes hclog's JSON lines, which is what a
// go-plugin host reads from stderr. The host chooses the level.
func newLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: asHclog}))
}

// asHclog renames slog's own keys. An author's attribute of the same name is
// left alone if its kind tells it apart.
func asHclog(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	level, isLevel := a.Value.Any().(slog.Level)
	switch {
	case a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime:
		return slog.String("@timestamp", a.Value.Time().Format(hclog.TimeFormatJSON))
	case a.Key == slog.LevelKey && isLevel:
		return slog.String("@level", levelName(level))
	case a.Key == slog.MessageKey && a.Value.Kind() == slog.KindString:
		return slog.String("@message", a.Value.String())
	default:
		return a
	}
}

func levelName(l slog.Level) string {
	name, _, _ := strings.Cut(strings.ToLower(l.String()), "+")
	return name
}

// lineWriter keeps the lines of several loggers apart.
type lineWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lineWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(line)
}
