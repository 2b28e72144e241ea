package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// openBrowser starts the browser that TRELLIS_TEST_BROWSER names and returns a
// context of its first tab, which ends with the test or when patience does.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	program := os.Getenv("TRELLIS_TEST_BROWSER")
	if program == "" {
		t.Skip("set TRELLIS_TEST_BROWSER to the path of chromium to run this")
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir())}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	process, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, leave := chromedp.NewContext(process)
	t.Cleanup(leave)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("the browser does not start: %v", err)
	}
	tab, cancel := context.WithTimeout(browser, 2*patience)
	t.Cleanup(cancel)
	return tab
}

// read runs an action and returns its value.
func read[T any](t *testing.T, tab context.Context, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(tab, a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// press clicks a button that leads to another page and waits for that: the one
// before may show the news as well.
func press(selector string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
		return chromedp.Void{}, err
	}
}

// TestSendTestInTheBrowser presses Send Test and reads the scorecard that the
// page brings by itself, and the report behind its link.
func TestSendTestInTheBrowser(t *testing.T) {
	t.Parallel()
	tab := openBrowser(t)
	_, box := startDemo(t, database{url: func(*testing.T) string { return "" }})
	err := chromedp.Do(tab,
		chromedp.Navigate(box+"/"),
		press(`button[aria-label^="Send Test to"]`),
		chromedp.WaitVisible(chromedp.CSS(`article`)),
		chromedp.Evaluate[chromedp.Void](`window.sameDocument = "yes"`),
		chromedp.WaitVisible(chromedp.CSS(`article .chip.big`)),
		chromedp.WaitNotPresent(chromedp.CSS(`article .chip.waiting`)),
	)
	if err != nil {
		t.Fatal(err)
	}
	if read(t, tab, chromedp.Evaluate[string](`String(window.sameDocument)`)) != "yes" {
		t.Error("the page was loaded anew; it should keep itself current")
	}
	card := read(t, tab, chromedp.Text(chromedp.CSS(`article`)))
	for _, want := range []string{"complete", "Objection Handling", "Benchmark", "View full report"} {
		if !strings.Contains(card, want) {
			t.Errorf("the scorecard lacks %q:\n%s", want, card)
		}
	}
	readReport(t, tab)
}

// TestAssessAndPushInTheBrowser presses the vendor's button, sees what arrived
// in the account, rejects the candidate there and sees that Trellis knows.
func TestAssessAndPushInTheBrowser(t *testing.T) {
	t.Parallel()
	tab := openBrowser(t)
	_, box := startDemo(t, database{url: func(*testing.T) string { return "" }})
	until(t, "the jobs", func() bool { return len(follow(t, box, -1).Jobs) == 2 })
	err := chromedp.Do(tab,
		chromedp.Navigate(box+"/"),
		press(`#assess-button`),
		chromedp.WaitVisible(chromedp.CSS(`.pushed .files a`)),
		chromedp.WaitNotPresent(chromedp.CSS(`.pushed .chip.waiting`)),
	)
	if err != nil {
		t.Fatal(err)
	}
	card := read(t, tab, chromedp.Text(chromedp.CSS(`.pushed`)))
	for _, want := range []string{"pushed", "Account Executive", "Phone Interview", "Assessment Band", "Traits:", "Assessed", "scorecard: skipped", "by the vendor's button"} {
		if !strings.Contains(card, want) {
			t.Errorf("the page lacks %q:\n%s", want, card)
		}
	}
	err = chromedp.Do(tab,
		press(`.pushed form[action$="/reject"] button`),
		chromedp.WaitVisible(chromedp.CSS(`.pushed [data-outcome="REJECTED"]`)),
	)
	if err != nil {
		t.Fatal(err)
	}
}

// readReport follows the scorecard's link into its new tab.
func readReport(t *testing.T, tab context.Context) {
	t.Helper()
	opened := chromedp.WaitNewTarget(tab, func(i *target.Info) bool { return strings.Contains(i.URL, "/r") })
	if err := chromedp.Do(tab, chromedp.Click(chromedp.CSS(`article a[target]`), chromedp.NodeVisible)); err != nil {
		t.Fatal(err)
	}
	id, ok := <-opened
	if !ok {
		t.Fatal("the link opened no tab")
	}
	report, leave := chromedp.NewContext(tab, chromedp.WithTargetID(id))
	defer leave()
	if err := chromedp.Do(report, chromedp.WaitVisible(chromedp.CSS(`#traits`))); err != nil {
		t.Fatal(err)
	}
	address, page := read(t, report, chromedp.Location()), read(t, report, chromedp.Text(chromedp.CSS(`body`)))
	for _, want := range []string{"Objection Handling", "Transcript", "Coaching"} {
		if !strings.Contains(strings.ToLower(page), strings.ToLower(want)) {
			t.Errorf("the report at %s lacks %q:\n%s", address, want, page)
		}
	}
}
