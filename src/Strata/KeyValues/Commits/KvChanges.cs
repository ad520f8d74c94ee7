using System.Runtime.InteropServices;

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
    private readonly Dictionary<ReadOnlyMemory<byte>, KvEntry?> _entries = new(KvKeyComparer.Instance);
    private readonly List<(ReadOnlyMemory<byte> Key, bool WasChanged, KvEntry? Before)> _undo = [];

    /// <summary>The last versionstamp issued by now.</summary>
    public Versionstamp Last { get; private set; } = last;

    /// <summary>Each key that was changed, once, with its new entry; null: it has none any more. In no order.</summary>
    public IReadOnlyDictionary<ReadOnlyMemory<byte>, KvEntry?> Entries => _entries;

    /// <inheritdoc/>
    public KvEntry? Find(ReadOnlyMemory<byte> key, bool keyOnly) =>
        _entries.TryGetValue(key, out KvEntry? entry) ? Visible(entry) : before.Find(key, keyOnly);

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
            for (int i = 0; i < write.Mutations.Count; i++) Apply(write.Mutations[i], stamp);
            Last = stamp;
        }
        finally
        {
            if (Last != stamp) Undo();
            _undo.Clear();
        }

        return CommitResult.Committed(stamp);
    }

    private void Apply(in KvMutation mutation, Versionstamp stamp)
    {
        ReadOnlyMemory<byte> key = mutation.Key;
        switch (mutation.Kind)
        {
            case KvMutationKind.Set:
                Set(key, Known(mutation.Value), mutation.Expires, stamp);
                break;
            case KvMutationKind.Delete:
                Change(key, null);
                break;
            case KvMutationKind.SetVersionstampedKey:
                Set(WithVersionstamp(key, stamp), Known(mutation.Value), mutation.Expires, stamp);
                break;
            case KvMutationKind.Sum or KvMutationKind.Max or KvMutationKind.Min:
                Set(key, KvSum.Of(mutation, Find(key, keyOnly: false)?.Value), mutation.Expires, stamp);
                break;
            default:
                throw new ArgumentException($"{mutation.Kind} is no mutation.", nameof(mutation));
        }
    }

    private void Set(ReadOnlyMemory<byte> key, KvValue value, DateTimeOffset? expires, Versionstamp stamp) => Change(key, new KvEntry(key, value, stamp, ToMillisecond(expires)));

    private void Change(ReadOnlyMemory<byte> key, KvEntry? entry)
    {
        ref KvEntry? changed = ref CollectionsMarshal.GetValueRefOrAddDefault(_entries, key, out bool wasChanged);
        _undo.Add((key, wasChanged, changed));
        changed = entry;
    }

    private void Undo()
    {
        for (int i = _undo.Count - 1; i >= 0; i--)
        {
            (ReadOnlyMemory<byte> key, bool wasChanged, KvEntry? earlier) = _undo[i];
            if (wasChanged) _entries[key] = earlier;
            else _entries.Remove(key);
        }
    }

    /// <summary>What backends keep of a moment, so that all of them say the same.</summary>
    private static DateTimeOffset? ToMillisecond(DateTimeOffset? moment) => moment is { } exact ? DateTimeOffset.FromUnixTimeMilliseconds(exact.ToUnixTimeMilliseconds()) : null;

    private static KvValue Known(KvValue value) =>
        value.Encoding is KvEncoding.V8 or KvEncoding.Bytes || (value.Encoding == KvEncoding.Le64 && value.Data.Length == sizeof(ulong))
            ? value
            : throw new ArgumentException($"A value of encoding {value.Encoding} and {value.Data.Length} bytes cannot be kept: it is V8, Bytes, or Le64 with 8 bytes.", nameof(value));

    private static byte[] WithVersionstamp(ReadOnlyMemory<byte> key, Versionstamp stamp)
    {
        byte[] whole = new byte[key.Length + KvLimits.VersionstampSuffixBytes];
        key.Span.CopyTo(whole);
        whole[key.Length] = 2;
        System.Text.Encoding.ASCII.GetBytes(stamp.ToString(), whole.AsSpan(key.Length + 1));
        return whole;
    }

    /// <summary>What a write sets may have expired before it is set.</summary>
    private KvEntry? Visible(KvEntry? entry) => entry?.Expires <= now ? null : entry;
}
