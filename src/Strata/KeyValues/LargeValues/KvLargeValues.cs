using System.Buffers;

namespace Strata;

/// <summary>
/// Values that are longer than a database takes: split into chunks under keys of their own, which no two versions share, with
/// a manifest in the value's place. So a reader has all of one version, or sees that it is gone.
/// </summary>
internal sealed class KvLargeValues(IKvDatabase database)
{
    /// <summary>The longest value.</summary>
    public const int MaxBytes = 64 << 20;

    /// <summary>How often a read begins again because what it reads was replaced meanwhile.</summary>
    public const int MaxAttempts = 32;

    /// <summary>Chunks of one read: bounds what a remote database answers at once.</summary>
    private const int PageChunks = 64;

    private KvLimits Limits => database.Capabilities.Limits;

    /// <summary>Puts a value together.</summary>
    /// <returns>Null: a chunk is gone, as the value was replaced, or has expired.</returns>
    /// <exception cref="FormatException">The chunks are not what the manifest says.</exception>
    public async ValueTask<ReadOnlySequence<byte>?> ReadAsync(KvManifest manifest, SnapshotReadOptions? options, CancellationToken cancellationToken)
    {
        Piece? first = null, last = null;
        for (int from = 0; from < manifest.Chunks;)
        {
            int asked = Math.Min(manifest.Chunks - from, Math.Min(PageChunks, Limits.MaxEntries));
            var range = new ReadRange(manifest.ChunkKey(from), manifest.ChunkKey(manifest.Chunks), asked);
            IReadOnlyList<KvRange> read = await database.SnapshotReadAsync([range], options, cancellationToken).ConfigureAwait(false);
            foreach (KvEntry chunk in read[0].Entries)
            {
                if (!chunk.Key.Span.SequenceEqual(manifest.ChunkKey(from++).Span)) return null;
                last = new Piece(chunk.Value.Data, last);
                first ??= last;
                if (last.End > manifest.Length) throw new FormatException("the chunks of the large value are longer than its manifest says");
            }

            if (read[0].Entries.Count < asked) return null;
        }

        var whole = new ReadOnlySequence<byte>(first!, 0, last!, last!.Memory.Length);
        return whole.Length == manifest.Length && Crc32C.Of(whole) == manifest.Checksum ? whole : throw new FormatException("the chunks of the large value do not match its checksum");
    }

    /// <summary>Removes the chunks of values that were overwritten or deleted by others than this model.</summary>
    /// <returns>How many values' chunks were removed.</returns>
    public async ValueTask<long> ReclaimAsync(CancellationToken cancellationToken)
    {
        long reclaimed = 0;
        ReadOnlyMemory<byte> start = KvManifest.OwnersStart;
        while (true)
        {
            int asked = Math.Min(100, Limits.MaxEntries);
            IReadOnlyList<KvRange> read = await database.SnapshotReadAsync([new ReadRange(start, KvManifest.OwnersEnd, asked)], null, cancellationToken).ConfigureAwait(false);
            foreach (KvEntry owner in read[0].Entries)
            {
                if (await ReclaimAsync(owner, cancellationToken).ConfigureAwait(false)) reclaimed++;
                start = (byte[])[.. owner.Key.Span, 0];
            }

            if (read[0].Entries.Count < asked) return reclaimed;
        }
    }

    private async ValueTask<bool> ReclaimAsync(KvEntry owner, CancellationToken cancellationToken)
    {
        if (KvManifest.Read(owner.Value) is not { } manifest) return false;
        IReadOnlyList<KvRange> read = await database.SnapshotReadAsync([ReadRange.Of(KvManifest.KeyOfOwner(owner.Key))], null, cancellationToken).ConfigureAwait(false);
        if (read[0].Entries is [var current] && manifest.IsOf(Known(current.Value))) return false;

        // Whoever writes a large value here meanwhile replaces the record, and this check fails.
        List<KvMutation> removal = [KvMutation.Delete(owner.Key)];
        for (int i = 0; i < manifest.Chunks; i++) removal.Add(KvMutation.Delete(manifest.ChunkKey(i)));
        var write = new AtomicWrite { Checks = [new KvCheck(owner.Key, owner.Versionstamp)], Mutations = removal };
        return (await database.AtomicWriteAsync(write, cancellationToken).ConfigureAwait(false)).IsCommitted;
    }

    /// <summary>What others wrote may look like a manifest.</summary>
    private static KvManifest? Known(KvValue value)
    {
        try
        {
            return KvManifest.Read(value);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? before)
        {
            Memory = memory;
            if (before is null) return;
            RunningIndex = before.End;
            before.Next = this;
        }

        public long End => RunningIndex + Memory.Length;
    }
}
