namespace Strata;

/// <summary>An entry as it was read, with its key and value in their types.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value.</param>
/// <param name="Versionstamp">The commit that wrote it.</param>
/// <param name="Expires">From when on it is invisible; null: never, or the database does not tell (<see cref="KvCapabilities.TellsExpiry"/>).</param>
/// <typeparam name="T">What the value is.</typeparam>
public sealed record KvEntry<T>(KvKey Key, T Value, Versionstamp Versionstamp, DateTimeOffset? Expires = null);
