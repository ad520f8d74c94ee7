namespace Strata.Tests;

/// <summary>A KV database that breaks one promise, so that those who check promises can show that they find it.</summary>
internal sealed class FaultyKvDatabase(IKvDatabase inner, FaultyKvDatabase.Fault fault) : IKvDatabase
{
    private int _calls;
    private IReadOnlyList<KvRange>? _stale;

    /// <summary>What is wrong.</summary>
    public enum Fault
    {
        /// <summary>Nothing.</summary>
        None,

        /// <summary>Each range of a read is of another instant.</summary>
        TornReads,

        /// <summary>A write is committed in two steps.</summary>
        SplitWrites,

        /// <summary>Some reads answer what the same caller could have read some time ago.</summary>
        StaleReads,

        /// <summary>Some writes lose their last mutation.</summary>
        LostMutations,

        /// <summary>Some checks are not looked at.</summary>
        IgnoredChecks,

        /// <summary>Entries stay a millisecond too long.</summary>
        LateExpiry,

        /// <summary>A reverse read takes the first entries, and turns them round.</summary>
        LimitBeforeReverse,
    }

    public KvCapabilities Capabilities => inner.Capabilities;

    private bool IsTurn => Interlocked.Increment(ref _calls) % 5 == 0;

    public async ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken)
    {
        switch (fault)
        {
            case Fault.TornReads:
                var found = new List<KvRange>();
                foreach (ReadRange range in ranges)
                {
                    found.AddRange(await inner.SnapshotReadAsync([range], options, cancellationToken));
                    await Task.Yield();
                }

                return found;
            case Fault.StaleReads when ranges.Count == 1:
                IReadOnlyList<KvRange>? earlier = Interlocked.Exchange(ref _stale, null);
                IReadOnlyList<KvRange> now = await inner.SnapshotReadAsync(ranges, options, cancellationToken);
                _stale = now;
                return IsTurn && earlier is [{ Entries: [var entry] }] && ranges[0].Contains(entry.Key.Span) ? earlier : now;
            case Fault.LimitBeforeReverse:
                IReadOnlyList<KvRange> forward = await inner.SnapshotReadAsync([.. ranges.Select(r => r with { Reverse = false })], options, cancellationToken);
                return [.. forward.Select((r, i) => ranges[i].Reverse ? new KvRange([.. r.Entries.Reverse()]) : r)];
            default:
                return await inner.SnapshotReadAsync(ranges, options, cancellationToken);
        }
    }

    public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
    {
        switch (fault)
        {
            case Fault.SplitWrites when write.Mutations.Count > 1:
                CommitResult first = await inner.AtomicWriteAsync(new AtomicWrite { Checks = write.Checks, Mutations = [.. write.Mutations.SkipLast(1)] }, cancellationToken);
                if (!first.IsCommitted) return first;
                await Task.Yield();
                return await inner.AtomicWriteAsync(new AtomicWrite { Mutations = [write.Mutations[^1]] }, cancellationToken);
            case Fault.LostMutations when IsTurn:
                return await inner.AtomicWriteAsync(new AtomicWrite { Checks = write.Checks, Mutations = [.. write.Mutations.SkipLast(1)] }, cancellationToken);
            case Fault.IgnoredChecks when IsTurn:
                return await inner.AtomicWriteAsync(new AtomicWrite { Mutations = write.Mutations }, cancellationToken);
            case Fault.LateExpiry:
                return await inner.AtomicWriteAsync(new AtomicWrite { Checks = write.Checks, Mutations = [.. write.Mutations.Select(m => m with { Expires = m.Expires?.AddMilliseconds(1) })] }, cancellationToken);
            default:
                return await inner.AtomicWriteAsync(write, cancellationToken);
        }
    }

    public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) => inner.WatchAsync(keys, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
