namespace Strata;

/// <summary>What a whole stack can do; each layer computes its own from those of the stores that it wraps.</summary>
public sealed record StoreCapabilities
{
    /// <summary>The store's name in messages, metrics and results.</summary>
    public required string Store { get; init; }

    /// <summary>Conditions that are one atomic step with the write or delete.</summary>
    public WriteConditionKind Conditions { get; init; } = WriteConditionKind.All;

    /// <summary>True if the store may drop data by itself, as one that evicts does. It can never be an origin.</summary>
    public bool IsVolatile { get; init; }

    /// <summary>True if every write of its data passes through this instance, so that its answers are linearizable per key.</summary>
    public bool IsSingleWriter { get; init; } = true;

    /// <summary>True if a blob's expiry is kept and honoured.</summary>
    public bool Expiry { get; init; } = true;

    /// <summary>True if the store has the facet <see cref="IMultipartUploads"/>.</summary>
    public bool MultipartUploads { get; init; }

    /// <summary>The longest blob, in bytes.</summary>
    public long MaxBlobLength { get; init; } = long.MaxValue;

    /// <summary>Names of the tiers that <see cref="WriteOptions.SkipTiers"/> and <see cref="WriteOptions.OnlyTiers"/> may name, fastest first; empty for a plain store.</summary>
    public IReadOnlyList<string> Tiers { get; init; } = [];

    /// <summary>Refuses, before any I/O, a write that the stack cannot honour.</summary>
    /// <exception cref="StorageException">Of kind Unsupported: an option that this store does not honour.</exception>
    /// <exception cref="ArgumentException">The key is default, or a field of the options is out of its range.</exception>
    public void Check(BlobKey key, WriteOptions? options, string operation)
    {
        CheckKey(key);
        if (options is null) return;
        Check(key, options.Condition, operation);
        if (options.Expires is not null && !Expiry) throw Unsupported("expiry");
        if (options.Tier is { } tier) CheckTiers([tier]);
        CheckTiers(options.SkipTiers);
        CheckTiers(options.OnlyTiers);
        if (options.SkipTiers?.Contains(Tiers.Count > 0 ? Tiers[^1] : "") == true)
            throw new ArgumentException($"The origin '{Tiers[^1]}' cannot be skipped: it is the source of truth.");
        if (options.Tier is { } begins && (options.SkipTiers?.Contains(begins) == true || options.OnlyTiers?.Contains(begins) == false))
            throw new ArgumentException($"The write shall begin in tier '{begins}', and SkipTiers or OnlyTiers leave that out.");
        BlobLimits.Check(options);

        void CheckTiers(IReadOnlyCollection<string>? names)
        {
            if (names is null) return;
            if (Tiers.Count == 0) throw Unsupported("Tier, SkipTiers and OnlyTiers (it has no tiers)");
            if (names.FirstOrDefault(n => !Tiers.Contains(n)) is { } unknown)
                throw new ArgumentException($"Store '{Store}' has no tier '{unknown}'; it has {string.Join(", ", Tiers)}.");
        }

        StorageException Unsupported(string what) => StorageException.Unsupported(operation, key, Store, what);
    }

    /// <summary>Refuses, before any I/O, a condition that the stack cannot honour.</summary>
    /// <exception cref="StorageException">Of kind Unsupported.</exception>
    public void Check(BlobKey key, WriteCondition condition, string operation)
    {
        CheckKey(key);
        if ((condition.Kind & ~Conditions) != WriteConditionKind.None) throw StorageException.Unsupported(operation, key, Store, $"the condition {condition.Kind}");
    }

    /// <summary>Refuses <c>default</c>.</summary>
    public static void CheckKey(BlobKey key)
    {
        if (key.IsDefault) throw new ArgumentException("The key is empty (default).", nameof(key));
    }
}
