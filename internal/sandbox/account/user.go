package account

// The roles of users. A basic user may neither read nor write.
const (
	roleSiteAdmin = "site_admin"
	roleJobAdmin  = "job_admin"
	roleBasic     = "basic"
)

type user struct {
	record
	FirstName     string         `json:"first_name"`
	LastName      string         `json:"last_name"`
	Name          string         `json:"name"`
	PrimaryEmail  string         `json:"primary_email"`
	Emails        []string       `json:"emails"`
	JobTitle      *string        `json:"job_title"`
	AgencyID      *int64         `json:"agency_id"`
	Deactivated   bool           `json:"deactivated"`
	SiteAdmin     bool           `json:"site_admin"`
	EmployeeID    *string        `json:"employee_id"`
	LinkedIDs     []int64        `json:"linked_candidate_ids"`
	OfficeIDs     []int64        `json:"office_ids"`
	DepartmentIDs []int64        `json:"department_ids"`
	Tags          []string       `json:"interviewer_tags"`
	CustomFields  map[string]any `json:"custom_fields"`

	role        string
	service     bool
	seesPrivate bool
}

func (u *user) complete() {
	u.Name, u.Emails = u.FirstName+" "+u.LastName, []string{u.PrimaryEmail}
	u.LinkedIDs, u.OfficeIDs, u.DepartmentIDs, u.Tags, u.CustomFields = []int64{}, []int64{}, []int64{}, []string{}, map[string]any{}
}

type userRole struct {
	record
	RoleType string `json:"role_type"`
	Name     string `json:"name"`
}

func listUsers() func(*call) answer {
	return list(listing[*user]{
		rows: func(w *world) []*user { return w.users.rows }, hidden: func(u *user) bool { return u.service }, unhide: "show_service_accounts",
		filters: func(*world) filters[*user] {
			return filters[*user]{
				"deactivated":   boolOf(func(u *user) bool { return u.Deactivated }),
				"primary_email": textOf(func(u *user) string { return u.PrimaryEmail }),
				"agency_ids":    noneOf[*user](), "office_ids": noneOf[*user](), "department_ids": noneOf[*user](), "linked_candidate_ids": noneOf[*user](),
				"interviewer_tag_ids": noneOf[*user](), "employee_ids": noneOf[*user](), "custom_field_option_id": noneOf[*user](),
				"external_office_id": noneOf[*user](), "external_department_id": noneOf[*user](),
			}
		},
	})
}

func listRoles() func(*call) answer {
	return list(listing[*userRole]{rows: func(w *world) []*userRole { return w.roles.rows }})
}
