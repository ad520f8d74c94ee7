using System.Runtime.CompilerServices;

namespace Strata.Server;

/// <summary>
/// Bounds the uploads in parts of each bucket that are begun and not ended. Stores know them, also over restarts; here is
/// how many there can be at most: as many as at the last count, and those begun since. Only when that reaches the limit
/// they are counted again, at most once a second.
/// </summary>
internal sealed class UnfinishedUploads(int max, TimeProvider clock, ServerMetrics metrics)
{
    private static readonly TimeSpan BetweenCounts = TimeSpan.FromSeconds(1);

    private readonly ConditionalWeakTable<IBlobStore, Tally> _tallies = [];

    /// <summary>Begins an upload.</summary>
    /// <exception cref="S3Exception">The bucket has as many as it may.</exception>
    public async ValueTask<MultipartUpload> CreateAsync(IBlobStore store, IMultipartUploads uploads, BlobKey key, WriteOptions options, CancellationToken cancellationToken)
    {
        Tally tally = _tallies.GetValue(store, _ => new Tally(max));
        if (!tally.TryBegin() && !await CountAsync(tally, uploads, cancellationToken))
        {
            metrics.CountRefusal("unfinished");
            throw S3Error.TooManyUnfinishedUploads.AsException();
        }

        try
        {
            return await uploads.CreateAsync(key, options, cancellationToken);
        }
        finally
        {
            tally.End();
        }
    }

    /// <summary>Counts again, unless somebody has just done so; true if there is room for one more, which is taken.</summary>
    private async ValueTask<bool> CountAsync(Tally tally, IMultipartUploads uploads, CancellationToken cancellationToken)
    {
        await tally.Counting.WaitAsync(cancellationToken);
        try
        {
            if (tally.TryBegin()) return true;
            if (tally.Counted is { } last && clock.GetElapsedTime(last) < BetweenCounts) return false;
            int underWay = tally.UnderWay;
            tally.SetMost(underWay + await CountAsync(uploads, max - underWay, cancellationToken), clock.GetTimestamp());
            return tally.TryBegin();
        }
        finally
        {
            tally.Counting.Release();
        }
    }

    /// <summary>How many there are, or as many as <paramref name="enough"/>.</summary>
    private static async ValueTask<int> CountAsync(IMultipartUploads uploads, int enough, CancellationToken cancellationToken)
    {
        int count = 0;
        MultipartUpload? last = null;
        while (count < enough)
        {
            int limit = Math.Min(enough - count, ListRequest.MaxLimit);
            IReadOnlyList<MultipartUpload> page = await uploads.ListUploadsAsync(
                new UploadListRequest { Limit = limit, AfterKey = last?.Key.Value, AfterId = last?.Id }, cancellationToken);
            count += page.Count;
            if (page.Count < limit) break;
            last = page[^1];
        }

        return count;
    }

    /// <summary>What is known of one bucket; until the first count, that there may be as many as there may.</summary>
    private sealed class Tally(int max)
    {
        private readonly Lock _lock = new();
        private readonly int _max = max;
        private int _most = max;
        private int _underWay;

        /// <summary>One counts at a time.</summary>
        public SemaphoreSlim Counting { get; } = new(1);

        /// <summary>When the last count ended; null before the first one.</summary>
        public long? Counted { get; private set; }

        /// <summary>Uploads that are just being begun, which a listing shows or does not.</summary>
        public int UnderWay
        {
            get
            {
                lock (_lock) return _underWay;
            }
        }

        public bool TryBegin()
        {
            lock (_lock)
            {
                if (_most >= _max) return false;
                _most++;
                _underWay++;
                return true;
            }
        }

        public void End()
        {
            lock (_lock) _underWay--;
        }

        /// <summary>Nobody begins one while it is counted: that happens at the limit alone.</summary>
        public void SetMost(int most, long counted)
        {
            lock (_lock) _most = most;
            Counted = counted;
        }
    }
}
