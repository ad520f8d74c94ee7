namespace Strata;

/// <summary>What an atomic write does to large values: which of its own it splits, and whose chunks it removes.</summary>
internal sealed class KvWritePlan
{
    private static readonly KvValue Marker = KvValue.OfBytes(new byte[] { 1 });

    private readonly IReadOnlyList<KvMutation> _mutations;
    private readonly KvLimits _limits;
    private readonly string _database;

    /// <summary>The last mutation that sets or deletes each key: what is there in the end.</summary>
    private readonly Dictionary<ReadOnlyMemory<byte>, int> _last = new(KvKeyComparer.Instance);

    public KvWritePlan(IReadOnlyList<KvMutation> mutations, KvLimits limits, string database)
    {
        (_mutations, _limits, _database) = (mutations, limits, database);
        for (int i = 0; i < mutations.Count; i++)
        {
            if (mutations[i].Kind is KvMutationKind.Set or KvMutationKind.Delete) _last[mutations[i].Key] = i;
            Splits |= IsSplit(mutations[i]);
        }
    }

    /// <summary>Whether a value is split.</summary>
    public bool Splits { get; }

    /// <summary>Whether it matters who has chunks.</summary>
    public bool NeedsOwners => Splits || _last.Count > 0;

    /// <summary>The keys whose values are replaced or deleted.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Replaced => _last.Keys;

    /// <summary>The whole write.</summary>
    /// <param name="checks">All of them.</param>
    /// <param name="owned">Which of the keys have chunks, and which.</param>
    /// <exception cref="ArgumentException">It is more than the database takes.</exception>
    public AtomicWrite Write(IReadOnlyList<KvCheck> checks, IReadOnlyList<KeyValuePair<ReadOnlyMemory<byte>, KvManifest>> owned)
    {
        if (!Splits && owned.Count == 0) return new AtomicWrite { Checks = checks, Mutations = _mutations };
        List<KvMutation> all = [];
        for (int i = 0; i < _mutations.Count; i++)
        {
            if (IsSplit(_mutations[i])) Split(all, i);
            else all.Add(_mutations[i]);
        }

        foreach ((ReadOnlyMemory<byte> key, KvManifest manifest) in owned)
        {
            for (int i = 0; i < manifest.Chunks; i++) all.Add(KvMutation.Delete(manifest.ChunkKey(i)));
            if (!IsSplit(_mutations[_last[key]])) all.Add(KvMutation.Delete(KvManifest.OwnerKey(key)));
        }

        if (Splits) all.Add(KvMutation.Set(KvManifest.MarkerKey, Marker));
        CheckRoom(checks, all);
        return new AtomicWrite { Checks = checks, Mutations = all };
    }

    private bool IsSplit(in KvMutation mutation) =>
        mutation.Kind is KvMutationKind.Set or KvMutationKind.SetVersionstampedKey
        && (mutation.Value.Data.Length > _limits.MaxValueBytes || KvManifest.IsLike(mutation.Value.Encoding, mutation.Value.Data.Span))
        && !IsOwn(mutation.Key);

    /// <summary>What the model keeps for itself it does not split.</summary>
    private static bool IsOwn(ReadOnlyMemory<byte> key) => !key.IsEmpty && key.Span[0] == KvReserved.First;

    private void Split(List<KvMutation> all, int index)
    {
        KvMutation mutation = _mutations[index];
        KvManifest manifest = KvManifest.New(mutation.Value.Encoding, mutation.Value.Data.Span, _limits.MaxValueBytes);
        all.Add(mutation with { Value = manifest.ToValue() });

        // One that is replaced in the same write needs no chunks.
        if (mutation.Kind == KvMutationKind.Set && _last[mutation.Key] != index) return;
        all.Add(mutation with { Key = KvManifest.OwnerKey(mutation.Key), Value = manifest.ToValue() });
        ReadOnlyMemory<byte> rest = mutation.Value.Data;
        for (int i = 0; i < manifest.Chunks; i++)
        {
            int length = Math.Min(rest.Length, _limits.MaxValueBytes);
            all.Add(KvMutation.Set(manifest.ChunkKey(i), KvValue.OfBytes(rest[..length]), mutation.Expires));
            rest = rest[length..];
        }
    }

    private void CheckRoom(IReadOnlyList<KvCheck> checks, List<KvMutation> all)
    {
        long keys = checks.Sum(c => (long)c.Key.Length), values = 0;
        int longest = 0;
        foreach (KvMutation mutation in all)
        {
            keys += mutation.Key.Length;
            values += mutation.Value.Data.Length;
            longest = Math.Max(longest, mutation.Key.Length + (mutation.Kind == KvMutationKind.SetVersionstampedKey ? KvLimits.VersionstampSuffixBytes : 0));
        }

        Check(all.Count, _limits.MaxMutations, nameof(KvLimits.MaxMutations));
        Check(keys + values, _limits.MaxWriteBytes, nameof(KvLimits.MaxWriteBytes));
        Check(keys, _limits.MaxWriteKeyBytes, nameof(KvLimits.MaxWriteKeyBytes));
        Check(longest, _limits.MaxKeyBytes, nameof(KvLimits.MaxKeyBytes));
    }

    private void Check(long found, int limit, string name)
    {
        if (found > limit) throw new ArgumentException($"A write with values longer than {_limits.MaxValueBytes} bytes, which are split, or that replaces such values comes to {found}, and the limit {name} of database '{_database}' is {limit}.");
    }
}
