namespace Strata;

/// <summary>Rows that a recorder wants committed with a change of a blob, judged in one place for every backend.</summary>
internal static class RecordedRows
{
    /// <summary>What one change may take along; a batch has room for it beside all else.</summary>
    private static readonly KvLimits Limits = KvLimits.Embedded with { MaxWriteBytes = 8 << 20, MaxWriteKeyBytes = 8 << 20 };

    /// <summary>Refuses what cannot commit with a blob.</summary>
    /// <exception cref="ArgumentException">A mutation is beyond the limits, or one that depends on what is there.</exception>
    public static IReadOnlyList<KvMutation> Checked(IReadOnlyList<KvMutation>? mutations)
    {
        if (mutations is null) throw new ArgumentException("A recorder returns mutations, or none; not null.", nameof(mutations));
        if (mutations.Count == 0) return mutations;
        foreach (KvMutation mutation in mutations)
        {
            // A change that nobody has acknowledged yet may be before it, and what that will have been is not known.
            if (mutation.Kind is not (KvMutationKind.Set or KvMutationKind.Delete or KvMutationKind.SetVersionstampedKey))
                throw new ArgumentException($"Rows that commit with a blob are set or deleted; {mutation.Kind} depends on what is there.", nameof(mutations));
        }

        Limits.Check(new AtomicWrite { Mutations = mutations });
        return mutations;
    }

    /// <summary>What they come to.</summary>
    /// <exception cref="ArgumentException">A value cannot be kept.</exception>
    public static KvChanges Evaluate(IReadOnlyList<KvMutation> mutations, Versionstamp last, DateTimeOffset now)
    {
        var changes = new KvChanges(Nothing.Instance, last, now);
        changes.Add(new AtomicWrite { Mutations = mutations });
        return changes;
    }

    /// <summary>Nothing that is recorded looks at what is there.</summary>
    private sealed class Nothing : IKvView
    {
        public static readonly Nothing Instance = new();

        public KvEntry? Find(ReadOnlyMemory<byte> key, bool keyOnly) => null;
    }
}
