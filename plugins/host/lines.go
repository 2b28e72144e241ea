package host

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/time/rate"
)

// Bounds of what an adapter can write to the host's log.
const (
	maxLine       = 64 << 10 // bytes; the rest of a line is dropped
	linesASecond  = 200
	linesAtOnce   = 1000
	maxAttributes = 32
)

// lines turns an adapter's output into records of the host's log: hclog's JSON
// with its level, a crash's trace as errors, anything else as debug.
type lines struct {
	log     *slog.Logger
	limit   *rate.Limiter
	mu      sync.Mutex
	line    []byte
	crashed bool
	dropped int
}

var _ io.Writer = (*lines)(nil)

func newLines(log *slog.Logger) *lines {
	return &lines{log: log, limit: rate.NewLimiter(linesASecond, linesAtOnce)}
}

// Write takes lines in pieces of any size; it never fails.
func (l *lines) Write(piece []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := piece
	for {
		head, tail, ended := bytes.Cut(rest, []byte("\n"))
		l.line = append(l.line, head[:min(len(head), maxLine-len(l.line))]...)
		if !ended {
			return len(piece), nil
		}
		l.emit()
		l.line, rest = l.line[:0], tail
	}
}

func (l *lines) emit() {
	if len(l.line) == 0 {
		return
	}
	if !l.limit.Allow() {
		l.dropped++
		return
	}
	if l.dropped > 0 {
		l.log.Warn("adapter wrote too much; lines were dropped", "lines", l.dropped)
		l.dropped = 0
	}
	if !l.emitJSON() {
		l.emitText(string(l.line))
	}
}

// emitJSON logs the line if it is one of hclog's.
func (l *lines) emitJSON() bool {
	var fields map[string]any
	if json.Unmarshal(l.line, &fields) != nil {
		return false
	}
	message, ok := fields["@message"].(string)
	if !ok {
		return false
	}
	name, _ := fields["@level"].(string)
	var attrs []slog.Attr
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if !strings.HasPrefix(key, "@") && len(attrs) < maxAttributes {
			attrs = append(attrs, slog.Any(key, fields[key]))
		}
	}
	l.log.LogAttrs(context.Background(), levelOf(name), message, slog.GroupAttrs("said", attrs...))
	return true
}

func (l *lines) emitText(line string) {
	if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
		l.crashed = true
	}
	level := slog.LevelDebug
	if l.crashed {
		level = slog.LevelError
	}
	l.log.Log(context.Background(), level, line)
}

func levelOf(name string) slog.Level {
	switch name {
	case "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	default:
		return slog.LevelDebug
	}
}
