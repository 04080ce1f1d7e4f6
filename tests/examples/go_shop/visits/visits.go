// Package visits counts visits in a cache.
package visits

import (
	"os"

	"github.com/gomodule/redigo/redis"
)

/* @klotho::persist {
 *   id = "visits"
 *   [environment_variables]
 *   VISITS_URL = "redis_node.connection_string"
 * }
 */
var url = os.Getenv("VISITS_URL")

var pool = &redis.Pool{MaxIdle: 2, Dial: func() (redis.Conn, error) { return redis.DialURL(url) }}

// Count gives how often a name was counted, with this time.
func Count(name string) (int, error) {
	connection := pool.Get()
	defer connection.Close()
	return redis.Int(connection.Do("INCR", name))
}
