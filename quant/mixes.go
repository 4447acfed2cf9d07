package quant

// Mixes is the table of mixes that llama-quantize knows by name: which type each
// kind of tensor gets.
var Mixes = []*Mix{
	{Name: "Q2_0", FileType: 41, base: "q2_0", embedding: "q4_K"},
	{Name: "Q1_0", FileType: 40, base: "q1_0"},
	{Name: "Q4_0", FileType: 2, base: "q4_0", down: clauses{{guidedEarly, "q4_1"}}},
	{Name: "Q4_1", FileType: 3, base: "q4_1"},
	{Name: "Q5_0", FileType: 8, base: "q5_0", down: clauses{{guidedEarly, "q5_1"}}},
	{Name: "Q5_1", FileType: 9, base: "q5_1"},
	{Name: "Q8_0", FileType: 7, base: "q8_0", output: "q8_0"},
	{
		Name: "Q2_K", FileType: 10, base: "q2_K",
		value: clauses{{wide, "q4_K"}, {always, "q3_K"}}, down: clauses{{always, "q3_K"}},
		out: clauses{{eight, "q5_K"}, {always, "q3_K"}},
	},
	{Name: "Q2_K_S", FileType: 21, base: "q2_K", value: clauses{{wide, "q4_K"}}, down: clauses{{early, "q4_K"}}},
	{Name: "Q3_K_S", FileType: 11, base: "q3_K", out: clauses{{eight, "q5_K"}}},
	{
		Name: "Q3_K_M", FileType: 12, base: "q3_K",
		value: clauses{{first2, "q5_K"}, {always, "q4_K"}}, down: clauses{{veryEarly, "q5_K"}, {always, "q4_K"}},
		out: clauses{{eight, "q5_K"}, {always, "q4_K"}},
	},
	{
		Name: "Q3_K_L", FileType: 13, base: "q3_K",
		value: clauses{{always, "q5_K"}}, down: clauses{{always, "q5_K"}}, out: clauses{{notEight, "q5_K"}},
	},
	{
		Name: "Q4_K_S", FileType: 14, base: "q4_K",
		value: clauses{{first4, "q5_K"}}, down: clauses{{early, "q5_K"}}, out: clauses{{eight, "q5_K"}},
	},
	{
		Name: "Q4_K_M", FileType: 15, base: "q4_K",
		value: clauses{{more, "q6_K"}}, down: clauses{{more, "q6_K"}}, out: clauses{{eight, "q5_K"}},
	},
	{Name: "Q5_K_S", FileType: 16, base: "q5_K"},
	{Name: "Q5_K_M", FileType: 17, base: "q5_K", value: clauses{{more, "q6_K"}}, down: clauses{{more, "q6_K"}}},
	{Name: "Q6_K", FileType: 18, base: "q6_K"},
	{
		Name: "IQ4_NL", FileType: 25, base: "iq4_nl",
		value: clauses{{wide, "q5_K"}}, down: clauses{{unguidedEarly, "q5_K"}}, out: clauses{{eight, "q5_K"}},
	},
	{
		Name: "IQ4_XS", FileType: 30, base: "iq4_xs",
		value: clauses{{wide, "q5_K"}}, down: clauses{{unguidedEarly, "q5_K"}}, out: clauses{{eight, "q5_K"}},
	},
	{
		Name: "IQ3_XXS", FileType: 23, base: "iq3_xxs", output: "q5_K", embedding: "iq3_s",
		value: clauses{{wide, "q4_K"}, {unguided, "iq3_s"}}, key: "iq2_s", query: "iq2_s",
		down: clauses{{unguidedEarly, "q4_K"}, {unguided, "q3_K"}}, out: clauses{{eight, "q5_K"}, {always, "iq3_s"}},
	},
	{
		Name: "IQ3_XS", FileType: 22, base: "iq3_s",
		value: clauses{{wide, "q4_K"}}, key: "iq3_xxs", query: "iq3_xxs",
		gateUp: clauses{{middle, "iq3_xxs"}}, out: clauses{{eight, "q5_K"}},
	},
	{Name: "IQ3_S", FileType: 26, base: "iq3_s", value: clauses{{wide, "q4_K"}}, out: clauses{{eight, "q5_K"}}},
	{
		Name: "IQ3_M", FileType: 27, base: "iq3_s",
		value: clauses{{always, "q4_K"}}, down: clauses{{early, "q4_K"}, {eightMore, "q4_K"}},
		out: clauses{{eight, "q5_K"}, {always, "q4_K"}},
	},
	tiny("IQ1_S", 24, "iq1_s", "q2_K", "iq2_xxs"),
	tiny("IQ1_M", 31, "iq1_m", "q2_K", "iq2_xxs"),
	tiny("IQ2_XXS", 19, "iq2_xxs", "q2_K", ""),
	tiny("IQ2_XS", 20, "iq2_xs", "q2_K", ""),
	tiny("IQ2_S", 28, "iq2_xs", "iq3_s", "iq3_s"),
	tiny("IQ2_M", 29, "iq2_s", "iq3_s", "iq3_s"),
	{Name: "TQ1_0", FileType: 36, base: "tq1_0", embedding: "q4_K"},
	{Name: "TQ2_0", FileType: 37, base: "tq2_0", embedding: "q4_K"},
}

// tiny returns a mix of about two bits or less, where finer is the type of what
// suffers most.
func tiny(name string, fileType uint32, base, finer, out string) *Mix {
	m := &Mix{
		Name: name, FileType: fileType, base: base, output: "q5_K", embedding: finer, tiny: true,
		value: clauses{{wideOrExperts, "q4_K"}, {always, finer}}, down: clauses{{early, finer}}, out: clauses{{eight, "q5_K"}},
	}
	if out != "" {
		m.out = append(m.out, clause{always, out})
	}
	return m
}

// clauses are types by what is true of a tensor: the first that holds decides,
// the mix's base if none does.
type clauses []clause

type clause struct {
	when func(s site) bool
	then string
}

func always(site) bool          { return true }
func wide(s site) bool          { return s.heads >= 4 }
func wideOrExperts(s site) bool { return s.heads >= 4 || s.experts >= 4 }
func eight(s site) bool         { return s.experts == 8 }
func notEight(s site) bool      { return s.experts != 8 }
func first2(s site) bool        { return s.i < 2 }
func first4(s site) bool        { return s.i < 4 }
func veryEarly(s site) bool     { return s.i < s.n/16 }
func early(s site) bool         { return s.i < s.n/8 }
func middle(s site) bool        { return s.i >= s.n/8 && s.i < 7*s.n/8 }
func guidedEarly(s site) bool   { return s.guided && early(s) }
func unguided(s site) bool      { return !s.guided }
func unguidedEarly(s site) bool { return !s.guided && early(s) }
func eightMore(s site) bool     { return eight(s) && more(s) }

// more holds for the first and last eighth of the layers, and for a third of the
// others.
func more(s site) bool { return early(s) || s.i >= 7*s.n/8 || (s.i-s.n/8)%3 == 2 }
