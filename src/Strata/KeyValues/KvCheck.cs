namespace Strata;

/// <summary>A condition of an atomic write: the key's entry must still be the one that this commit wrote.</summary>
/// <param name="Key">The key.</param>
/// <param name="Versionstamp">The commit; <see cref="Versionstamp.None"/>: the key must have no entry that is visible.</param>
public readonly record struct KvCheck(ReadOnlyMemory<byte> Key, Versionstamp Versionstamp);
