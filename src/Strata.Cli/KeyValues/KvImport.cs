namespace Strata.Cli;

/// <summary>Sets entries in batches.</summary>
internal sealed class KvImport(IKvDatabase database, int mostTogether, int mostBytes)
{
    private readonly List<KvMutation> _together = [];
    private int _bytes;

    /// <summary>How many were set.</summary>
    public long Count { get; private set; }

    /// <summary>How many had expired.</summary>
    public long Expired { get; private set; }

    public async ValueTask AddAsync(KvKey key, KvValue value, DateTimeOffset? at, CancellationToken cancellationToken)
    {
        if (at <= TimeProvider.System.GetUtcNow())
        {
            Expired++;
            return;
        }

        if (value.Data.Length > database.Capabilities.Limits.MaxValueBytes)
        {
            // The model splits it.
            await EndAsync(cancellationToken);
            KvAtomic write = RawCodec.Over(database, value.Encoding).Atomic();
            write = at is { } expires ? write.Set(key, value, expires) : write.Set(key, value);
            await write.CommitAsync(cancellationToken);
            Count++;
            return;
        }

        _together.Add(KvMutation.Set(key.Encoded, value, at));
        _bytes += key.Encoded.Length + value.Data.Length;
        if (_together.Count >= mostTogether || _bytes >= mostBytes) await EndAsync(cancellationToken);
    }

    /// <summary>Writes what is left.</summary>
    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        if (_together.Count == 0) return;
        await database.AtomicWriteAsync(new AtomicWrite { Mutations = [.. _together] }, cancellationToken);
        Count += _together.Count;
        _together.Clear();
        _bytes = 0;
    }
}
