package httpd

import (
	"bufio"
	"net"
	"net/http"
)

// recorder notes what a handler answers. Flush and Hijack are there for
// libraries that look for the interfaces; Unwrap is for http.ResponseController.
type recorder struct {
	http.ResponseWriter
	status   int
	bytes    int64
	hijacked bool
}

// WriteHeader notes the final status; informational ones pass.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes of the body.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap returns the writer underneath.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Flush sends what was written so far.
func (r *recorder) Flush() {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	_ = http.NewResponseController(r.ResponseWriter).Flush() // http.Flusher has no way to tell
}

// Hijack hands the connection over.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.hijacked = true
	}
	return conn, rw, err
}

// begun reports whether it is too late for another answer.
func (r *recorder) begun() bool { return r.status != 0 || r.hijacked }

// result is the status that the client got. A handler that writes nothing
// answers 200; one that took the connection speaks another protocol.
func (r *recorder) result() int {
	switch {
	case r.status != 0:
		return r.status
	case r.hijacked:
		return http.StatusSwitchingProtocols
	default:
		return http.StatusOK
	}
}
