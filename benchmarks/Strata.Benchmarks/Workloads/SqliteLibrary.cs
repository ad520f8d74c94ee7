using Strata.Sqlite;

namespace Strata.Benchmarks;

/// <summary>The SQLite that the peers use: the same as the package's.</summary>
internal static class SqliteLibrary
{
    /// <summary>What the tables call the peer, such as <c>SQLite 3.40.1</c>. Loads it.</summary>
    public static string Name => $"SQLite {SqliteEngine.Version}";
}
