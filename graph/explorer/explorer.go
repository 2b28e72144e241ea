// Package explorer serves GraphiQL, in which people try the API. All that it
// needs is embedded; nothing comes from another host.
package explorer

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed page assets/*.js assets/*.css assets/*.txt
var files embed.FS

// policy lets nothing in but our own files. The editor measures text with
// styles that it writes into elements, and the fonts are in the style sheet.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src data:; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Explorer returns the handler of /graphiql and what is below it. It is for
// demos: the page itself needs no sign-in, and its queries do.
func Explorer() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /graphiql", page("page/index.html"))
	mux.HandleFunc("GET /graphiql/explorer.js", page("page/explorer.js"))
	mux.HandleFunc("GET /graphiql/explorer.css", page("page/explorer.css"))
	assets, err := fs.Sub(files, "assets")
	if err != nil {
		panic(err) // the name is valid
	}
	mux.Handle("GET /graphiql/assets/", http.StripPrefix("/graphiql/assets/", http.FileServerFS(assets)))
	return guarded(mux)
}

func page(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, name) }
}

// guarded sets what keeps the page to itself.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}
