package sandbox

// Person is an example candidate.
type Person struct {
	ID            int    `json:"id"`
	ApplicationID int    `json:"applicationId"`
	FirstName     string `json:"firstName"`
	LastName      string `json:"lastName"`
	PreferredName string `json:"preferredName,omitempty"`
	Phone         string `json:"phone,omitempty"`
	Resume        string `json:"resume,omitempty"`
	Email         string `json:"email"`
	Role          string `json:"role"`
	talent        int    // about what the engine will find, 0–100; 0: drawn from the address
}

// Name is what people call the person.
func (p Person) Name() string { return p.FirstName + " " + p.LastName }

// people are the candidates of the stand-in; some leave optional data out.
func people() []Person {
	return []Person{
		{ID: 17680001, ApplicationID: 26230001, FirstName: "Mara", LastName: "Sample", PreferredName: "Mara", Phone: "+1 555 0101", Resume: "https://files.example.com/mara.pdf", Email: "mara.sample@example.com", Role: "Account Executive", talent: 88},
		{ID: 17680002, ApplicationID: 26230002, FirstName: "Jonas", LastName: "Placeholder", Email: "jonas.placeholder@example.com", Role: "Account Executive", talent: 66},
		{ID: 17680003, ApplicationID: 26230003, FirstName: "Imani", LastName: "Specimen", PreferredName: "Immy", Email: "imani.specimen@example.com", Role: "Sales Development Rep", talent: 79},
		{ID: 17680004, ApplicationID: 26230004, FirstName: "Tomás", LastName: "Muster", Phone: "+1 555 0104", Email: "tomas.muster@example.com", Role: "Sales Development Rep", talent: 47},
		{ID: 17680005, ApplicationID: 26230005, FirstName: "Yuki", LastName: "Template", Resume: "https://files.example.com/yuki.pdf", Email: "yuki.template@example.com", Role: "Sales Engineer", talent: 58},
		{ID: 17680006, ApplicationID: 26230006, FirstName: "Priya", LastName: "Instance", PreferredName: "Pri", Phone: "+1 555 0106", Email: "priya.instance@example.com", Role: "Regional Sales Lead", talent: 93},
	}
}

func personByID(id int) (Person, bool) {
	for _, p := range people() {
		if p.ID == id {
			return p, true
		}
	}
	return Person{}, false
}
