namespace Strata.Sqlite;

/// <summary>Which file, in messages.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Name">The store's name.</param>
internal readonly record struct SqlitePlace(string Path, string Name);
