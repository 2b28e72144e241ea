package rest

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// exportPageWithin bounds how long a client may take for one page of an export.
const exportPageWithin = time.Minute

// Exports give whole ranges of what is kept; *core.Exports is one.
type Exports interface {
	AuditLog(ctx context.Context, by core.Actor, s core.Span) (iter.Seq2[[]core.AuditEntry, error], error)
	SyncLog(ctx context.Context, by core.Actor, s core.Span) (iter.Seq2[[]core.SyncEntry, error], error)
	Assessments(ctx context.Context, by core.Actor, s core.Span) (iter.Seq2[[]core.Scored, error], error)
	Decisions(ctx context.Context, by core.Actor, s core.Span) (iter.Seq2[[]core.Decided, error], error)
	Candidate(ctx context.Context, by core.Actor, id core.ID) (*core.CandidateFile, error)
}

// export answers GET /api/exports/{kind}.csv and .json.
func (i *Integration) export(w http.ResponseWriter, r *http.Request) {
	by, _ := r.Context().Value(actorKey{}).(core.Actor)
	if err := i.exportOf(w, r, by); err != nil {
		i.write(w, r, i.failure(r, err))
	}
}

// exportOf returns an error only while nothing was written.
func (i *Integration) exportOf(w http.ResponseWriter, r *http.Request, by core.Actor) error {
	kind, format, _ := strings.Cut(r.PathValue("file"), ".")
	known := slices.Contains([]string{"audit-log", "sync-log", "assessments", "decisions"}, kind)
	if !known || format != "csv" && format != "json" {
		return fault.New(fault.NotFound, "There is no such export. There are audit-log, decisions, sync-log and assessments, each as .csv and .json.")
	}
	span, err := spanOf(r)
	if err != nil {
		return err
	}
	ctx, name := r.Context(), kind+"."+format
	switch kind {
	case "audit-log":
		rows, err := i.o.Exports.AuditLog(ctx, by, span)
		return sendRows(i, w, r, sheet[core.AuditEntry]{name, auditColumns()}, rows, err)
	case "sync-log":
		rows, err := i.o.Exports.SyncLog(ctx, by, span)
		return sendRows(i, w, r, sheet[core.SyncEntry]{name, syncColumns()}, rows, err)
	case "assessments":
		rows, err := i.o.Exports.Assessments(ctx, by, span)
		return sendRows(i, w, r, sheet[core.Scored]{name, assessmentColumns()}, rows, err)
	default:
		rows, err := i.o.Exports.Decisions(ctx, by, span)
		return sendRows(i, w, r, sheet[core.Decided]{name, decisionColumns()}, rows, err)
	}
}

// spanOf reads from and to. A parameter that is not known is refused.
func spanOf(r *http.Request) (core.Span, error) {
	var s core.Span
	for name, values := range r.URL.Query() {
		at, err := time.Parse(time.RFC3339, values[0])
		if name != "from" && name != "to" {
			return s, fault.InvalidField(name, "UNKNOWN", "There is no parameter %.50q here.", name)
		}
		if err != nil || len(values) > 1 {
			return s, fault.InvalidField(name, "INVALID", "%s is one moment, as 2026-05-07T14:05:00Z.", name)
		}
		if name == "from" {
			s.From = at.UTC()
		} else {
			s.Until = at.UTC()
		}
	}
	return s, nil
}

// sheet is how rows are shown: the same columns in CSV and in JSON.
type sheet[T any] struct {
	name    string
	columns []column[T]
}

// column is one cell of a row: a text, a number, a truth, a time, null or raw JSON.
type column[T any] struct {
	name string
	of   func(row *T) any
}

// sendRows streams the pages. What breaks after the first one cuts the
// connection, so that half an export does not look whole.
func sendRows[T any](i *Integration, w http.ResponseWriter, r *http.Request, s sheet[T], rows iter.Seq2[[]T, error], err error) error {
	if err != nil {
		return err
	}
	out, begun := newSheetWriter(w, s), false
	for page, err := range rows { //nolint:contextcheck // it was made with the request's
		if err == nil {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exportPageWithin)) // a recorder has none
			err = out.write(page)
		}
		if err == nil {
			begun = true
			continue
		}
		if !begun {
			return err
		}
		i.o.Log.WarnContext(r.Context(), "an export was cut off", "export", s.name, "error", err, "requestId", i.o.RequestID(r.Context()))
		panic(http.ErrAbortHandler)
	}
	if err := out.end(); err != nil {
		i.o.Log.DebugContext(r.Context(), "the caller went away before the export was written", "error", err)
	}
	return nil
}

type sheetWriter[T any] struct {
	sheet  sheet[T]
	header http.Header
	to     *bufio.Writer
	csv    *csv.Writer // nil for JSON
	rows   int
}

func newSheetWriter[T any](w http.ResponseWriter, s sheet[T]) *sheetWriter[T] {
	out := &sheetWriter[T]{sheet: s, header: w.Header(), to: bufio.NewWriter(w)}
	if strings.HasSuffix(s.name, ".csv") {
		out.csv = csv.NewWriter(out.to)
		out.csv.UseCRLF = true // RFC 4180
	}
	return out
}

// write writes a page and hands it on.
func (o *sheetWriter[T]) write(page []T) error {
	if err := o.begin(); err != nil {
		return err
	}
	for n := range page {
		if err := o.row(&page[n]); err != nil {
			return err
		}
		o.rows++
	}
	if o.csv != nil {
		o.csv.Flush()
	}
	return o.to.Flush()
}

func (o *sheetWriter[T]) begin() error {
	if o.header.Get("Content-Type") != "" {
		return nil
	}
	o.header.Set("Cache-Control", "no-store")
	o.header.Set("Content-Disposition", `attachment; filename="`+o.sheet.name+`"`)
	if o.csv == nil {
		o.header.Set("Content-Type", "application/json; charset=utf-8")
		return o.to.WriteByte('[')
	}
	o.header.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	names := make([]string, len(o.sheet.columns))
	for n, c := range o.sheet.columns {
		names[n] = c.name
	}
	return o.csv.Write(names)
}

func (o *sheetWriter[T]) row(row *T) error {
	if o.csv == nil {
		between := ",\n"
		if o.rows == 0 {
			between = "\n"
		}
		body, err := object(o.sheet.columns, row)
		if err != nil {
			return err
		}
		_, err = o.to.WriteString(between + string(body))
		return err
	}
	cells := make([]string, len(o.sheet.columns))
	for n, c := range o.sheet.columns {
		text, err := cell(c.of(row))
		if err != nil {
			return err
		}
		cells[n] = text
	}
	return o.csv.Write(cells)
}

func (o *sheetWriter[T]) end() error {
	if o.csv != nil {
		return nil
	}
	_, err := io.WriteString(o.to, "\n]\n")
	if err != nil {
		return err
	}
	return o.to.Flush()
}

// cell is a value as CSV has it. A text that a spreadsheet would take for a
// formula begins with an apostrophe.
func cell(value any) (string, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("export: %w", err)
	}
	switch {
	case string(encoded) == "null":
		return "", nil
	case encoded[0] != '"': // a number, a truth or raw JSON
		return string(encoded), nil
	}
	var text string
	if err := json.Unmarshal(encoded, &text); err != nil {
		return "", fmt.Errorf("export: %w", err)
	}
	if first, _ := utf8.DecodeRuneInString(text); strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) && text != "" {
		text = "'" + text
	}
	return text, nil
}

// object is a row as JSON, in the order of the columns.
func object[T any](columns []column[T], row *T) (json.RawMessage, error) {
	var b strings.Builder
	for n, c := range columns {
		value, err := json.Marshal(c.of(row))
		if err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		b.WriteString([]string{"{", ","}[min(n, 1)])
		fmt.Fprintf(&b, "%q:%s", c.name, value)
	}
	return json.RawMessage(b.String() + "}"), nil
}

// objects are rows as JSON.
func objects[T any](columns []column[T], rows []T) ([]json.RawMessage, error) {
	all := make([]json.RawMessage, len(rows))
	for n := range rows {
		var err error
		if all[n], err = object(columns, &rows[n]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// exportCandidate answers GET /api/exports/candidates/{id}.json.
func (i *Integration) exportCandidate(w http.ResponseWriter, r *http.Request) {
	by, _ := r.Context().Value(actorKey{}).(core.Actor)
	body, name, err := i.candidateFile(r, by)
	if err != nil {
		i.write(w, r, i.failure(r, err))
		return
	}
	i.write(w, r, &ats.HTTPResponse{Status: http.StatusOK, Body: body, Header: map[string][]string{
		"Content-Type": {"application/json; charset=utf-8"}, "Content-Disposition": {`attachment; filename="` + name + `"`},
	}})
}

func (i *Integration) candidateFile(r *http.Request, by core.Actor) (body []byte, name string, err error) {
	text, ok := strings.CutSuffix(r.PathValue("file"), ".json")
	id, err := core.ParseID(core.PrefixCandidate, text)
	if !ok || err != nil {
		return nil, "", fault.New(fault.NotFound, "There is no such export. It is called as the candidate's id, with .json at its end.")
	}
	if _, err := spanOf(r); err != nil {
		return nil, "", err
	}
	file, err := i.o.Exports.Candidate(r.Context(), by, id)
	if err != nil {
		return nil, "", err
	}
	body, err = newCandidateFile(file)
	return body, string(id) + ".json", err
}
