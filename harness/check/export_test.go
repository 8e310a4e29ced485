package check

// Names returns the names of the checks in the order in which they are made.
func Names() []string {
	var names []string
	for _, c := range Checks() {
		names = append(names, c.Name)
	}
	return names
}
