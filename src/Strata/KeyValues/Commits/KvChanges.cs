namespace Strata;

/// <summary>
/// What some atomic writes come to, one after the other: each is judged by what was there before and what the writes
/// before it did. For backends that hold the whole state still meanwhile.
/// </summary>
/// <param name="before">What was there before the first.</param>
/// <param name="last">The last versionstamp that the database has issued.</param>
/// <param name="now">What time it is.</param>
public sealed class KvChanges(IKvView before, Versionstamp last, DateTimeOffset now) : IKvView
{
    /// <summary>Longest key that a versionstamp is appended to.</summary>
    private const int SuffixBytes = 22;

    private readonly Dictionary<ReadOnlyMemory<byte>, KvEntry?> _entries = new(KvKeyComparer.Instance);
    private readonly List<KeyValuePair<ReadOnlyMemory<byte>, KvEntry?>> _ofOne = [];

    /// <summary>The last versionstamp issued by now.</summary>
    public Versionstamp Last { get; private set; } = last;

    /// <summary>Each key that was changed, once, with its new entry; null: it has none any more. In no order.</summary>
    public IReadOnlyDictionary<ReadOnlyMemory<byte>, KvEntry?> Entries => _entries;

    /// <inheritdoc/>
    public KvEntry? Find(ReadOnlyMemory<byte> key, bool keyOnly)
    {
        for (int i = _ofOne.Count - 1; i >= 0; i--)
        {
            if (_ofOne[i].Key.Span.SequenceEqual(key.Span)) return Visible(_ofOne[i].Value);
        }

        return _entries.TryGetValue(key, out KvEntry? entry) ? Visible(entry) : before.Find(key, keyOnly);
    }

    /// <summary>Adds what a write does, all of it or nothing.</summary>
    /// <exception cref="ArgumentException">A mutation cannot be applied; the write has done nothing.</exception>
    public CommitResult Add(AtomicWrite write)
    {
        ArgumentNullException.ThrowIfNull(write);
        List<int>? failed = null;
        for (int i = 0; i < write.Checks.Count; i++)
        {
            KvCheck check = write.Checks[i];
            Versionstamp found = Find(check.Key, keyOnly: true)?.Versionstamp ?? Versionstamp.None;
            if (found != check.Versionstamp) (failed ??= []).Add(i);
        }

        if (failed is not null) return CommitResult.CheckFailed(failed);
        Versionstamp stamp = Last.Next();
        try
        {
            for (int i = 0; i < write.Mutations.Count; i++) _ofOne.Add(Apply(write.Mutations[i], stamp));
            foreach (KeyValuePair<ReadOnlyMemory<byte>, KvEntry?> change in _ofOne) _entries[change.Key] = change.Value;
        }
        finally
        {
            _ofOne.Clear();
        }

        Last = stamp;
        return CommitResult.Committed(stamp);
    }

    private KeyValuePair<ReadOnlyMemory<byte>, KvEntry?> Apply(in KvMutation mutation, Versionstamp stamp)
    {
        ReadOnlyMemory<byte> key = mutation.Key;
        switch (mutation.Kind)
        {
            case KvMutationKind.Set:
                return Set(key, Known(mutation.Value), mutation.Expires);
            case KvMutationKind.Delete:
                return new(key, null);
            case KvMutationKind.SetVersionstampedKey:
                return Set(WithVersionstamp(key, stamp), Known(mutation.Value), mutation.Expires);
            case KvMutationKind.Sum or KvMutationKind.Max or KvMutationKind.Min:
                return Set(key, KvSum.Of(mutation, Find(key, keyOnly: false)?.Value), mutation.Expires);
            default:
                throw new ArgumentException($"{mutation.Kind} is no mutation.", nameof(mutation));
        }

        KeyValuePair<ReadOnlyMemory<byte>, KvEntry?> Set(ReadOnlyMemory<byte> at, KvValue value, DateTimeOffset? expires) => new(at, new KvEntry(at, value, stamp, expires));
    }

    private static KvValue Known(KvValue value) =>
        value.Encoding is KvEncoding.V8 or KvEncoding.Bytes || (value.Encoding == KvEncoding.Le64 && value.Data.Length == sizeof(ulong))
            ? value
            : throw new ArgumentException($"A value of encoding {value.Encoding} and {value.Data.Length} bytes cannot be kept: it is V8, Bytes, or Le64 with 8 bytes.", nameof(value));

    private static byte[] WithVersionstamp(ReadOnlyMemory<byte> key, Versionstamp stamp)
    {
        byte[] whole = new byte[key.Length + SuffixBytes];
        key.Span.CopyTo(whole);
        whole[key.Length] = 2;
        System.Text.Encoding.ASCII.GetBytes(stamp.ToString(), whole.AsSpan(key.Length + 1));
        return whole;
    }

    /// <summary>What a write sets may have expired before it is set.</summary>
    private KvEntry? Visible(KvEntry? entry) => entry?.Expires <= now ? null : entry;
}
