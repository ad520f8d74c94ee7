namespace Strata;

/// <summary>An entry as it was read.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value; empty, with the encoding alone, where only keys were asked for.</param>
/// <param name="Versionstamp">The commit that wrote it.</param>
/// <param name="Expires">From when on it is invisible; null: never, or the database does not tell (<see cref="KvCapabilities.TellsExpiry"/>).</param>
public sealed record KvEntry(ReadOnlyMemory<byte> Key, KvValue Value, Versionstamp Versionstamp, DateTimeOffset? Expires = null);
