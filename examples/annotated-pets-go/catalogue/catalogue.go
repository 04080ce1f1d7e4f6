// Package catalogue knows the pets that look for a home.
package catalogue

import (
	_ "embed"
	"encoding/json"
)

type Pet struct {
	Name string   `json:"name"`
	Kind string   `json:"kind"`
	Age  int      `json:"age"`
	Toys []string `json:"toys,omitempty"`
}

//go:embed pets.json
var content []byte

var all = read()

func read() []Pet {
	var found []Pet
	if err := json.Unmarshal(content, &found); err != nil {
		panic(err)
	}
	return found
}

// OfKind gives the pets of a kind, all for none.
func OfKind(kind string) []Pet {
	found := []Pet{}
	for _, pet := range all {
		if kind == "" || pet.Kind == kind {
			found = append(found, pet)
		}
	}
	return found
}

func Find(name string) (Pet, bool) {
	for _, pet := range all {
		if pet.Name == name {
			return pet, true
		}
	}
	return Pet{}, false
}
