package explorer_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trellis-ats/trellis/graph/explorer"
)

// tab opens a browser, which ends with the test.
func tab(t *testing.T) context.Context {
	t.Helper()
	program := os.Getenv("TRELLIS_TEST_BROWSER")
	if program == "" {
		t.Skip("set TRELLIS_TEST_BROWSER to the path of chromium to run this")
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir())}
	for _, flag := range []string{"headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	process, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, leave := chromedp.NewContext(process)
	t.Cleanup(leave)
	ctx, cancel := context.WithTimeout(browser, 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// stub answers the explorer: it says which token came with a query.
func stub(w http.ResponseWriter, r *http.Request) {
	var body struct{ Query string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	w.Header().Set("Content-Type", "application/json")
	if strings.Contains(body.Query, "__schema") {
		_, _ = w.Write([]byte(`{"errors":[{"message":"not here"}]}`))
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"token": r.Header.Get("Authorization")}})
}

func TestAQueryInTheBrowser(t *testing.T) {
	t.Parallel()
	ctx := tab(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/graphql", stub)
	mux.Handle("/", explorer.Explorer())
	server := httptest.NewServer(mux)
	defer server.Close()
	const fill = `(() => {
		window.refused = [];
		document.addEventListener('securitypolicyviolation', e => window.refused.push(e.blockedURI + ' ' + e.violatedDirective));
		const editor = c => document.querySelector(c + ' .CodeMirror').CodeMirror;
		editor('.graphiql-query-editor').setValue('{ token }');
		editor('.graphiql-editor-tool').setValue('{"Authorization": "Bearer hello"}');
		for (const c of document.querySelectorAll('.graphiql-editor-tool .CodeMirror')) c.CodeMirror.setValue('{"Authorization": "Bearer hello"}');
	})()`
	// The editors take over what was typed a moment later: press until they did.
	const answered = `() => {
		if (document.querySelector('.result-window')?.innerText.includes('Bearer hello')) return true;
		document.querySelector('.graphiql-execute-button').click();
		return false;
	}`
	err := chromedp.Do(ctx,
		chromedp.Navigate(server.URL+"/graphiql"),
		chromedp.WaitVisible(chromedp.CSS(`.graphiql-query-editor .CodeMirror`)),
		chromedp.Evaluate[chromedp.Void](fill),
		chromedp.Click(chromedp.CSS(`.graphiql-execute-button`), chromedp.NodeVisible),
	)
	if err == nil {
		_, err = chromedp.Run(ctx, chromedp.PollFunction[bool](answered,
			chromedp.WithPollingInterval(500*time.Millisecond), chromedp.WithPollingTimeout(2*time.Minute)))
	}
	if err != nil {
		page, _ := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(`body`)))
		t.Fatalf("%v: %s", err, page)
	}
	refused, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`window.refused`))
	if err != nil || len(refused) > 0 {
		t.Errorf("the policy refused %v, %v", refused, err)
	}
}
