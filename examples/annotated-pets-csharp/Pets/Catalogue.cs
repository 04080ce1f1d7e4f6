// @klotho::embed_assets { include = ["data/*.csv"] }
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Pets
{
    public class Pet
    {
        public string Name { get; set; }
        public string Kind { get; set; }
        public DateTime Born { get; set; }
    }

    /// <summary>The pets that wait for an owner, as `data/pets.csv` lists them.</summary>
    public class Catalogue
    {
        private readonly IReadOnlyList<Pet> _pets = File.ReadLines("data/pets.csv")
            .Skip(1)
            .Select(line => line.Split(','))
            .Select(cells => new Pet { Name = cells[0], Kind = cells[1], Born = DateTime.Parse(cells[2]) })
            .ToList();

        public IEnumerable<Pet> Of(string kind) => _pets.Where(pet => kind == null || pet.Kind == kind);

        public Pet Find(string name) => _pets.FirstOrDefault(pet => pet.Name == name);
    }
}
