// A web shop, reduced to its front page. Elastic Beanstalk tells it the port
// in PORT; nginx on the instance ends HTTPS and passes requests on.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "5000"
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Welcome to the shop. You came by %s.\n", r.Header.Get("X-Forwarded-Proto"))
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}
