package main

import (
	"net/http"

	"example.com/notes/notes"
	"github.com/gin-gonic/gin"
)

func main() {
	r := router()
	// @klotho::expose { id = "notes-api" }
	if err := r.Run(); err != nil {
		panic(err)
	}
}

func router() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.Recovery(), func(c *gin.Context) { c.Header("Cache-Control", "no-store") })
	r.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "notes of %s", c.DefaultQuery("who", "nobody")) })
	r.GET("/files/*path", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"path": c.Param("path")}) })
	r.Any("/echo", func(c *gin.Context) {
		body, _ := c.GetRawData()
		c.SetCookie("first", "1", 60, "/", "", false, true)
		c.SetCookie("second", "2", 60, "/", "", false, true)
		c.Data(http.StatusAccepted, "application/octet-stream", append([]byte{0, 255}, body...))
	})
	r.GET("/panic", func(*gin.Context) { panic("not today") })
	api := r.Group("/api", gin.BasicAuth(gin.Accounts{"ada": "pw"}))
	notes.Register(api.Group("/notes"))
	api.GET("/me", func(c *gin.Context) { c.String(http.StatusOK, c.MustGet(gin.AuthUserKey).(string)) })
	r.NoRoute(func(c *gin.Context) { c.JSON(http.StatusNotFound, gin.H{"nothing": c.Request.URL.Path}) })
	return r
}
