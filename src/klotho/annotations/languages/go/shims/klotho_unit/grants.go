package klotho_unit

// What this unit was granted: JSON in variables of its environment, which Klotho writes when it deploys.

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
)

// prefixes are how the variables of each group begin.
var prefixes = map[string]string{
	"datastores": "KLOTHO_DATASTORE_", "services": "KLOTHO_SERVICE_", "buckets": "KLOTHO_BUCKET_",
	"secrets": "KLOTHO_SECRET_",
}

// grant is one thing that the unit may use, by the names that Klotho gives its fields.
type grant map[string]interface{}

// text is empty for a field that is not there.
func (found grant) text(field string) string {
	switch value := found[field].(type) {
	case string:
		return value
	case float64:
		return fmt.Sprintf("%.0f", value)
	}
	return ""
}

// isDeployed says whether this process runs where Klotho deployed it: otherwise nothing is changed of what it does.
func isDeployed() bool {
	return os.Getenv("KLOTHO_UNIT") != ""
}

// grantOf gives what was granted under a name.
func grantOf(group, name string) (grant, error) {
	names := []string{}
	for _, line := range os.Environ() {
		variable, value := cut(line, "=")
		if !strings.HasPrefix(variable, prefixes[group]) || variable == "KLOTHO_SECRET_TTL_SECONDS" {
			continue
		}
		found := grant{}
		if json.Unmarshal([]byte(value), &found) != nil {
			return nil, fmt.Errorf("the variable %s is not JSON: was it changed by hand?", variable)
		}
		if found.text("name") == name {
			return found, nil
		}
		names = append(names, found.text("name"))
	}
	sort.Strings(names)
	return nil, fmt.Errorf("the unit %s was granted nothing named %q of %s, only %q", os.Getenv("KLOTHO_UNIT"), name, group, names)
}
