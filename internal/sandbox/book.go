package sandbox

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxOrders    = 500
	maxTimeline  = 80 // calls of one order
	maxGeneral   = 50 // calls that belong to no order
	firstOrder   = 1001
	maxTakenURLs = 1000
)

// The states of an order, as a recruiter sees them.
const (
	OrderSending  = "sending"
	OrderSent     = "sent"
	OrderRefused  = "refused" // send-test did not work
	OrderComplete = "complete"
)

// Order is one sent test.
type Order struct {
	Number      int       `json:"number"`
	Person      Person    `json:"candidate"`
	TestID      string    `json:"testId"`
	TestName    string    `json:"testName"`
	CallbackURL string    `json:"callbackUrl"`
	InterviewID string    `json:"interviewId"` // Trellis' id
	State       string    `json:"state"`
	Status      string    `json:"status"` // partner_status as last told
	Score       *float64  `json:"score"`
	ProfileURL  string    `json:"profileUrl"`
	Metadata    []Entry   `json:"metadata"`
	SentAt      time.Time `json:"sentAt"`
	Polls       int       `json:"polls"`
	Reported    []string  `json:"reported"` // what was told with response-error
	Timeline    []Call    `json:"timeline"`
	Assessed    *Assessed `json:"assessed,omitempty"` // of an order of the vendor's own; what it points to does not change

	asked, told int // numbers of the last question, and of the last one whose answer counts
}

// Entry is one line of the metadata.
type Entry struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// Call is one exchange, or a note if it has no method.
type Call struct {
	At     time.Time `json:"at"`
	Who    string    `json:"who"`  // Greenhouse, Candidate, Engine, Trellis
	Whom   string    `json:"whom"` // who answers
	Method string    `json:"method,omitempty"`
	Path   string    `json:"path,omitempty"`
	Status int       `json:"status,omitempty"` // 0: no answer
	Note   string    `json:"note,omitempty"`
	Bad    bool      `json:"bad,omitempty"`
}

// Test is what can be sent.
type Test struct {
	ID   string `json:"partner_test_id"`
	Name string `json:"partner_test_name"`
}

// State is all that the sandbox knows.
type State struct {
	Version    int         `json:"version"` // rises with each change
	Mode       string      `json:"mode"`
	Auto       bool        `json:"autoCandidate"`
	Faults     Faults      `json:"faults"`
	Candidates []Person    `json:"candidates"`
	Tests      []Test      `json:"tests"`
	Orders     []Order     `json:"orders"`   // sent tests, newest first
	Assessed   []Order     `json:"assessed"` // the vendor's own, newest first
	Jobs       []VendorJob `json:"jobs"`
	Calls      []Call      `json:"calls"` // those that belong to no order, newest first
	Reported   []string    `json:"reported"`
}

// book keeps the newest orders and tells of changes. It is safe for concurrent use.
type book struct {
	mu       sync.Mutex
	version  int
	changed  chan struct{} // closed at the next change
	next     int
	auto     bool
	orders   []*Order // oldest first
	tests    []Test
	jobs     []VendorJob
	calls    []Call
	reported []string
	taken    []string // invitation links that a candidate has
	sitting  map[string]bool
}

func newBook(auto bool) *book {
	return &book{changed: make(chan struct{}), next: firstOrder, auto: auto, sitting: map[string]bool{}}
}

// change runs f under the lock and wakes those who wait.
func (b *book) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	b.version++
	close(b.changed)
	b.changed = make(chan struct{})
}

// watch returns a channel that is closed once the version is over after.
func (b *book) watch(after int) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.version > after {
		now := make(chan struct{})
		close(now)
		return now
	}
	return b.changed
}

// now is the version.
func (b *book) now() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.version
}

// changes waits until the version is over after, at most for d, and reports
// whether it is.
func (b *book) changes(ctx context.Context, after int, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-b.watch(after):
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// open adds an order of Greenhouse's.
func (b *book) open(p Person, t Test, publicURL string) Order {
	return b.add(p, t, func(o *Order) { o.CallbackURL = publicURL + callbackPath + itoa(o.Number) })
}

// openFor adds an order of the vendor's own.
func (b *book) openFor(j VendorJob, p Person, t Test) Order {
	return b.add(p, t, func(o *Order) { o.Assessed = &Assessed{Job: j} })
}

// add adds an order and forgets the oldest over the limit.
func (b *book) add(p Person, t Test, complete func(*Order)) Order {
	var made Order
	b.change(func() {
		o := &Order{Number: b.next, Person: p, TestID: t.ID, TestName: t.Name, State: OrderSending, SentAt: time.Now().UTC()}
		complete(o)
		b.next++
		b.orders = append(b.orders, o)
		if over := len(b.orders) - maxOrders; over > 0 {
			b.orders = slices.Delete(b.orders, 0, over)
		}
		made = *o
	})
	return made
}

// update changes an order; it reports false if there is no such order any more.
func (b *book) update(number int, f func(*Order)) bool {
	found := false
	b.change(func() {
		if o := b.find(number); o != nil {
			f(o)
			found = true
		}
	})
	return found
}

func (b *book) find(number int) *Order {
	at, ok := slices.BinarySearchFunc(b.orders, number, func(o *Order, n int) int { return o.Number - n })
	if !ok {
		return nil
	}
	return b.orders[at]
}

// order returns a copy.
func (b *book) order(number int) (Order, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.find(number)
	if o == nil {
		return Order{}, false
	}
	return o.copy(), true
}

// byInterview returns the order that has Trellis' id.
func (b *book) byInterview(id string) (Order, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range slices.Backward(b.orders) {
		if o.InterviewID == id {
			return o.copy(), true
		}
	}
	return Order{}, false
}

func (o *Order) copy() Order {
	c := *o
	c.Metadata, c.Reported, c.Timeline = slices.Clone(o.Metadata), slices.Clone(o.Reported), slices.Clone(o.Timeline)
	return c
}

// note writes a call into an order's timeline, or into the general one for number 0.
func (b *book) note(number int, c Call) {
	c.At = time.Now().UTC()
	b.change(func() {
		if o := b.find(number); o != nil {
			o.Timeline = newest(append(o.Timeline, c), maxTimeline)
		} else {
			b.calls = newest(append(b.calls, c), maxGeneral)
		}
	})
}

// report keeps what was told with response-error.
func (b *book) report(number int, problems []string) {
	b.change(func() {
		if o := b.find(number); o != nil {
			o.Reported = newest(append(o.Reported, problems...), maxTimeline)
		} else {
			b.reported = newest(append(b.reported, problems...), maxGeneral)
		}
	})
}

func newest[T any](list []T, limit int) []T {
	if over := len(list) - limit; over > 0 {
		return slices.Delete(list, 0, over)
	}
	return list
}

// claim gives an invitation's link to one candidate only.
func (b *book) claim(link string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.Contains(b.taken, link) {
		return false
	}
	b.taken = newest(append(b.taken, link), maxTakenURLs)
	return true
}

// sit takes the seat for an assessment; it reports false if somebody sits there.
func (b *book) sit(assessment string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sitting[assessment] {
		return false
	}
	b.sitting[assessment] = true
	return true
}

func (b *book) rise(assessment string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sitting, assessment)
}

func (b *book) test(id string) (Test, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.tests, func(t Test) bool { return t.ID == id })
	if at < 0 {
		return Test{}, false
	}
	return b.tests[at], true
}

func (b *book) job(id string) (VendorJob, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.jobs, func(j VendorJob) bool { return j.ID == id })
	if at < 0 {
		return VendorJob{}, false
	}
	return b.jobs[at], true
}

// hear keeps what Trellis says of the vendor's assessments. Only what differs
// is a change.
func (b *book) hear(all []answeredAssessment) {
	for _, n := range all {
		o, ok := b.byInterview(n.ID)
		if !ok || o.Assessed == nil {
			continue
		}
		now := n.assessed()
		if now.Job = o.Assessed.Job; !reflect.DeepEqual(now, *o.Assessed) {
			b.update(o.Number, func(o *Order) { o.hear(now) })
		}
	}
}

func (b *book) isAuto() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.auto
}

// snapshot returns the newest orders, at most limit.
func (b *book) snapshot(limit int) State {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := State{
		Version: b.version, Auto: b.auto, Candidates: people(), Orders: []Order{}, Assessed: []Order{},
		Tests: slices.Clone(b.tests), Jobs: slices.Clone(b.jobs), Calls: slices.Clone(b.calls), Reported: slices.Clone(b.reported),
	}
	slices.Reverse(s.Calls)
	for _, o := range slices.Backward(b.orders) {
		list := &s.Orders
		if o.Assessed != nil {
			list = &s.Assessed
		}
		if len(*list) < limit {
			*list = append(*list, o.copy())
		}
	}
	return s
}

// ScoreValue returns the score as a number; 0 if there is none.
func (o Order) ScoreValue() float64 {
	if o.Score == nil {
		return 0
	}
	return *o.Score
}

// Traits returns the numbers of the metadata, which are the traits.
func (o Order) Traits() []Entry {
	return slices.DeleteFunc(slices.Clone(o.Metadata), func(e Entry) bool { return !e.number() })
}

// Details returns the metadata that is no number.
func (o Order) Details() []Entry {
	return slices.DeleteFunc(slices.Clone(o.Metadata), Entry.number)
}

func (e Entry) number() bool {
	_, ok := e.Value.(float64)
	return ok && !strings.EqualFold(e.Name, "revision")
}
