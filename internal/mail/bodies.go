package mail

import (
	"embed"
	"io/fs"
)

// sub returns a folder of an embedded tree, which is there because it was compiled in.
func sub(tree embed.FS, folder string) fs.FS {
	f, err := fs.Sub(tree, folder)
	if err != nil {
		panic(err)
	}
	return f
}
