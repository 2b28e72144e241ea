package greenhouse_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/adapters/greenhouse"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk"
	"github.com/trellis-ats/trellis/plugins/sdk/sdktest"
)

// patched is a request as the stand-in saw it.
type patched struct {
	Method, URI, User, Password, Body string
	Length                            int64
	HasLength                         bool
}

// receiver answers the PATCH with handle and tells what came.
func receiver(t *testing.T, handle http.HandlerFunc) (host string, seen chan patched) {
	t.Helper()
	seen = make(chan patched, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		seen <- patched{r.Method, r.RequestURI, user, password, string(body), r.ContentLength, r.Header.Get("Content-Length") != "" || r.ContentLength == 0}
		handle(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), seen
}

func delivery(t *testing.T, a ats.Adapter, host string) *ats.Delivery {
	t.Helper()
	return &ats.Delivery{
		Connection: connection(t, a, "callback_hosts", host),
		Order:      ats.Order{ExternalID: "9001", CallbackURL: "http://" + host + "/take_home_tests/9001"},
		Progress:   scored(),
	}
}

// impatient has short deadlines and caps.
func impatient(t *testing.T) sdktest.Client {
	t.Helper()
	return sdktest.Serve(t, greenhouse.New, sdktest.Options{
		HTTP: sdk.NewHTTPClient(sdk.HTTPOptions{Timeout: 250 * time.Millisecond, MaxResponse: 1000}),
	})
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handle http.HandlerFunc
		want   fault.Code // "": delivered
		after  time.Duration
		repeat bool
	}{
		"200":                {status(200), "", 0, false},
		"204":                {status(204), "", 0, false},
		"202":                {status(202), "", 0, false},
		"400":                {status(400), fault.Unsupported, 0, false},
		"401":                {status(401), fault.Auth, 0, false},
		"403":                {status(403), fault.Permission, 0, false},
		"404":                {status(404), fault.NotFound, 0, false},
		"410":                {status(410), fault.NotFound, 0, false},
		"408":                {status(408), fault.Retryable, 0, true},
		"422":                {status(422), fault.Unsupported, 0, false},
		"429":                {status(429, "Retry-After", "7"), fault.RateLimited, 7 * time.Second, true},
		"429 without header": {status(429), fault.RateLimited, 0, true},
		"500":                {status(500), fault.Retryable, 0, true},
		"503 with a time":    {status(503, "Retry-After", "30"), fault.Retryable, 30 * time.Second, true},
		"redirect":           {status(302, "Location", "/elsewhere"), fault.Upstream, 0, true},
		"hangs":              {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, fault.Retryable, 0, true},
		"cuts":               {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.Retryable, 0, true},
		"too much":           {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1001)) }, fault.Upstream, 0, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := impatient(t)
			host, seen := receiver(t, tt.handle)
			receipt, err := a.Deliver(t.Context(), delivery(t, a, host))
			if fault.CodeOf(err) != tt.want || fault.Repeatable(err) != tt.repeat {
				t.Fatalf("got %v, repeatable %t", err, fault.Repeatable(err))
			}
			if err != nil && fault.From(err).RetryAfter != tt.after {
				t.Errorf("after %v", fault.From(err).RetryAfter)
			}
			want := patched{Method: "PATCH", URI: "/take_home_tests/9001", User: partnerKey, HasLength: true}
			if diff := cmp.Diff(want, <-seen); diff != "" {
				t.Error(diff)
			}
			if len(seen) != 0 || receipt == nil || len(receipt.Exchanges) != 1 || receipt.AwaitsPoll {
				t.Errorf("%d more calls, receipt %+v", len(seen), receipt)
			}
			if (receipt.Reference == "9001") != (err == nil) {
				t.Errorf("reference %q", receipt.Reference)
			}
		})
	}
}

func TestDeliverWaitsUntilADate(t *testing.T) {
	t.Parallel()
	a := impatient(t)
	host, _ := receiver(t, status(429, "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)))
	_, err := a.Deliver(t.Context(), delivery(t, a, host))
	if after := fault.From(err).RetryAfter; after < 55*time.Minute || after > time.Hour {
		t.Errorf("after %v", after)
	}
}

func TestDeliverWithoutSending(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*ats.Delivery)
		want   fault.Code // "": waits for the poll
	}{
		"no callback":      {func(d *ats.Delivery) { d.Order.CallbackURL = "" }, ""},
		"host not listed":  {func(d *ats.Delivery) { d.Connection.Settings["callback_hosts"] = "app.greenhouse.io" }, fault.Config},
		"key is missing":   {func(d *ats.Delivery) { d.Connection.Secrets = nil }, fault.Config},
		"key is too long":  {func(d *ats.Delivery) { d.Connection.Secrets[ats.SecretPartnerKey] = strings.Repeat("k", 171) }, fault.Config},
		"user in callback": {func(d *ats.Delivery) { d.Order.CallbackURL = strings.Replace(d.Order.CallbackURL, "://", "://u@", 1) }, fault.Config},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := impatient(t)
			host, seen := receiver(t, status(204))
			d := delivery(t, a, host)
			tt.change(d)
			receipt, err := a.Deliver(t.Context(), d)
			if fault.CodeOf(err) != tt.want || receipt == nil || receipt.AwaitsPoll != (err == nil) || len(seen) != 0 {
				t.Errorf("got %+v, %v, %d calls", receipt, err, len(seen))
			}
		})
	}
}

// Plain http is for this machine alone, even if another host is listed.
func TestDeliverRefusesInternalAddresses(t *testing.T) {
	t.Parallel()
	a := impatient(t)
	d := delivery(t, a, "10.0.0.1")
	d.Order.CallbackURL = "http://10.0.0.1/1"
	receipt, err := a.Deliver(t.Context(), d)
	if !fault.Is(err, fault.Config) || len(receipt.Exchanges) != 0 {
		t.Errorf("got %+v, %v", receipt, err)
	}
}

func TestDeliverRecordsNoKey(t *testing.T) {
	t.Parallel()
	a := impatient(t)
	host, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, "your key is "+partnerKey+`, {"email":"ada@example.com"}`)
	})
	receipt, err := a.Deliver(t.Context(), delivery(t, a, host))
	if err != nil {
		t.Fatal(err)
	}
	x := receipt.Exchanges[0]
	if x.ResponseBody != `your key is [masked], {"email":"[masked]"}` || x.ResponseHeader["X-Echo"] != "Basic [masked]" || x.Status != 200 {
		t.Errorf("recorded %+v", x)
	}
}

func TestDeliverTellsWhatIsLost(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		settings map[string]string
		progress ats.Progress
		want     string // "": nothing
	}{
		"nothing":   {nil, scored(), ""},
		"summary":   {map[string]string{"score_delivery": "summary"}, scored(), "left out"},
		"long text": {nil, with(func(p *ats.Progress) { p.Result.Summary = strings.Repeat("x", 2001) }), "shortened"},
		"twins":     {nil, with(func(p *ats.Progress) { p.Result = twins() }), "several entries"},
		"expired":   {nil, ats.Progress{State: ats.StateExpired}, "not finished"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := impatient(t)
			host, _ := receiver(t, status(204))
			d := delivery(t, a, host)
			for k, v := range tt.settings {
				d.Connection.Settings[k] = v
			}
			d.Progress = tt.progress
			receipt, err := a.Deliver(t.Context(), d)
			lost := strings.Join(receipt.Degraded, "\n")
			if err != nil || (lost == "") != (tt.want == "") || !strings.Contains(lost, tt.want) {
				t.Errorf("got %q, %v", lost, err)
			}
		})
	}
}
