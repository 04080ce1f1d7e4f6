using System;
using System.Linq;

namespace Kinds
{
    /// <summary>What a pet can be.</summary>
    public static class Kind
    {
        public static readonly string[] All = { "cat", "dog", "parrot" };

        public static bool IsKnown(string name) => All.Contains(name, StringComparer.Ordinal);
    }
}
