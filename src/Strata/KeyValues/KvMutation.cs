namespace Strata;

/// <summary>One change of an atomic write.</summary>
public readonly record struct KvMutation
{
    /// <summary>What is done.</summary>
    public required KvMutationKind Kind { get; init; }

    /// <summary>The key.</summary>
    public required ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>The value, or the number to count with; nothing for a delete.</summary>
    public KvValue Value { get; init; }

    /// <summary>From when on the entry is invisible, to the millisecond; null: never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Of a sum over JavaScript's numbers; null: no limits.</summary>
    public KvSumLimits? SumLimits { get; init; }

    /// <summary>Sets a value.</summary>
    public static KvMutation Set(ReadOnlyMemory<byte> key, KvValue value, DateTimeOffset? expires = null) => new() { Kind = KvMutationKind.Set, Key = key, Value = value, Expires = expires };

    /// <summary>Removes an entry.</summary>
    public static KvMutation Delete(ReadOnlyMemory<byte> key) => new() { Kind = KvMutationKind.Delete, Key = key };

    /// <summary>Adds to a number of 64 bits.</summary>
    public static KvMutation Sum(ReadOnlyMemory<byte> key, ulong number) => new() { Kind = KvMutationKind.Sum, Key = key, Value = KvValue.OfUInt64(number) };

    /// <summary>Adds to a number of the kind of this one: of 64 bits, or JavaScript's (<see cref="KvEncoding.V8"/>) number or big integer.</summary>
    public static KvMutation Sum(ReadOnlyMemory<byte> key, KvValue number, KvSumLimits? limits = null) => new() { Kind = KvMutationKind.Sum, Key = key, Value = number, SumLimits = limits };

    /// <summary>Raises a number of 64 bits.</summary>
    public static KvMutation Max(ReadOnlyMemory<byte> key, ulong number) => new() { Kind = KvMutationKind.Max, Key = key, Value = KvValue.OfUInt64(number) };

    /// <summary>Lowers a number of 64 bits.</summary>
    public static KvMutation Min(ReadOnlyMemory<byte> key, ulong number) => new() { Kind = KvMutationKind.Min, Key = key, Value = KvValue.OfUInt64(number) };

    /// <summary>Sets the value of the key with the commit's versionstamp appended.</summary>
    public static KvMutation SetVersionstampedKey(ReadOnlyMemory<byte> prefix, KvValue value, DateTimeOffset? expires = null) =>
        new() { Kind = KvMutationKind.SetVersionstampedKey, Key = prefix, Value = value, Expires = expires };
}
