// @klotho::execution_unit { id = "words" }
package words

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const base = "/words"

func Register(mux *http.ServeMux) {
	mux.HandleFunc("GET "+base+"/{word}", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]int{r.PathValue("word"): len(r.PathValue("word"))})
	})
	mux.HandleFunc("POST "+base, count)
	mux.HandleFunc(base+"/{word}/upper", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<b>%s</b>", strings.ToUpper(r.PathValue("word")))
	})
}

func count(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "last", Value: "1"})
	fmt.Fprintln(w, len(strings.Fields(r.PostForm.Get("text"))))
}
