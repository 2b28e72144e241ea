package sandbox

// scene is the part of a sales call in which one trait shows.
type scene struct {
	key, name   string
	buyer       string
	good, weak  []string
	goodComment string
	weakComment string
	advice      string
}

func scenes() []scene { //nolint:funlen // a table
	return []scene{
		{
			key: "discovery_depth", name: "Discovery Depth", buyer: "Our reps update the forecast on Fridays. It is fine, mostly.",
			good: []string{
				"You said mostly: what happened the last time it was not fine, and what did it cost you?",
				"Who notices first when the forecast is off, and what do they do then?",
			},
			weak:        []string{"Great, then let me show you our dashboard.", "Okay. So how many reps do you have?"},
			goodComment: "Followed up on a hint and got to the cost of the problem.",
			weakComment: "Passed over the hint in \"mostly\" and asked about size, not about pain.",
			advice:      "When a buyer hedges, ask what happened the last time before you present anything.",
		},
		{
			key: "product_knowledge", name: "Product Knowledge", buyer: "Would it work with the CRM we have, custom fields and all?",
			good: []string{
				"Yes: custom fields sync both ways every five minutes. Formula fields are read only; is that a problem for you?",
				"It does. The one limit is picklists over two hundred values; do you have any?",
			},
			weak:        []string{"I am sure it does, we integrate with everything.", "I think so; I would need to ask our engineers about pretty much all of that."},
			goodComment: "Answered exactly and named the limit without being asked.",
			weakComment: "Promised without knowing, which a technical buyer will remember.",
			advice:      "Learn the three limits that buyers meet most, and name them first.",
		},
		{
			key: "objection_handling", name: "Objection Handling", buyer: "Honestly, you are thirty percent over what we pay now.",
			good: []string{
				"That is a fair point. If the missed deals you described are worth two a quarter, what would the difference be then?",
				"Understood. Is it the amount itself, or that it falls into this year's budget?",
			},
			weak:        []string{"We could probably do a discount.", "Well, the others are cheaper because they are worse."},
			goodComment: "Stayed calm, found out what is behind the price and came back to value.",
			weakComment: "Gave way on price before finding out what it is about.",
			advice:      "Answer a price with a question: what is it compared with, and for whom is it too much?",
		},
		{
			key: "coachability", name: "Coachability", buyer: "One thing: you talk about features a lot. I care about my Monday meeting.",
			good: []string{
				"Thank you, that helps. Then let us walk through your Monday meeting and leave the rest aside.",
				"Good that you say so. Which question in that meeting do you want to have the answer to?",
			},
			weak:        []string{"Sure, but the features are really what makes it special.", "Right. So, the next feature is our alerting."},
			goodComment: "Took the feedback at once and changed the course of the call.",
			weakComment: "Heard the feedback and went on as before.",
			advice:      "Repeat feedback in your own words and change one thing visibly.",
		},
		{
			key: "closing_instinct", name: "Closing Instinct", buyer: "Interesting. Send me something and I will have a look.",
			good: []string{
				"Gladly. Shall we put thirty minutes on Tuesday with your head of sales, so that you can decide with the numbers at hand?",
				"I will. What would you need to see in it to say yes to a trial on the first of the month?",
			},
			weak:        []string{"Perfect, I will send you our brochure. Have a great day!", "Sure, just get back to me whenever it suits you."},
			goodComment: "Turned a polite no into a dated next step with the one who decides.",
			weakComment: "Left without a date or a commitment.",
			advice:      "Never end without a date, a person and a purpose.",
		},
	}
}
