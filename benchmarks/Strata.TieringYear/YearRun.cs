using Strata.HitRatios;

namespace Strata.TieringYear;

/// <summary>
/// A year of a tiered store with default settings: users read and write through it, and every hour it makes a tiering run. The store is
/// the product's, over three tiers in memory; simulated are the time, the users, and the lengths of the blobs (<see cref="MeasuredTier"/>).
/// </summary>
internal sealed class YearRun : IAsyncDisposable
{
    /// <summary>So many reads that may have copies made are under way, at most: fewer than the queue of the store holds.</summary>
    private const int MostPending = 500;

    /// <summary>Before a ring of the tracker is full: counts are exact, and the year comes out the same on every machine.</summary>
    private const int DrainEvery = 100;

    private const long Room = 16L << 30;
    private static readonly byte[] Payload = [1];
    private readonly YearSettings _settings;
    private readonly YearClock _clock = new();
    private readonly Random _random = new(YearSettings.Seed);
    private readonly ZipfSampler _sampler;
    private readonly BlobKey[] _keys;
    private readonly int[] _sizes;
    private readonly MeasuredTier[] _tiers;
    private readonly TieredBlobStore _store;
    private readonly HashSet<int> _pending = [];
    private long[] _answered;
    private long[] _asked;
    private long[] _written;
    private long _promoted;

    private YearRun(YearSettings settings)
    {
        _settings = settings;
        _sampler = new ZipfSampler(settings.Keys, YearSettings.Exponent);

        // The rank of a key is its number: what is popular is told by nothing but its use.
        _keys = [.. Enumerable.Range(0, settings.Keys).Select(i => BlobKey.Parse($"blobs/{(uint)i * 2_654_435_761u:x8}"))];
        double span = Math.Log((double)YearSettings.LargestSize / YearSettings.SmallestSize);
        _sizes = [.. _keys.Select(_ => (int)(YearSettings.SmallestSize * Math.Exp(_random.NextDouble() * span)))];
        var numbers = new Dictionary<BlobKey, int>(_keys.Length);
        for (int i = 0; i < _keys.Length; i++) numbers[_keys[i]] = i;

        // With room for all: what leaves a tier leaves it by a run. The origin keeps what it has.
        var context = new StoreContext { Clock = _clock };
        _tiers = [.. YearSettings.Tiers.Select((name, i) => new MeasuredTier(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = name, MaxBytes = Room, Evicts = i < YearSettings.Tiers.Count - 1 }, context), numbers, _sizes))];
        _store = new TieredBlobStore([.. _tiers.Select((tier, i) => new Tier { Name = YearSettings.Tiers[i], Store = tier })], new TieringOptions(), context);
        _answered = _asked = _written = new long[_tiers.Length];
    }

    public List<YearDay> Days { get; } = [];

    public YearSettings Settings => _settings;

    public long StoredBytes => _tiers[^1].Bytes;

    public AccessTrackerStatistics Tracker => _store.Tiering.GetTieringStatus().Tracker;

    /// <summary>A store whose blobs all lie in the cold tier, and have not been used for a year.</summary>
    public static async Task<YearRun> BeginAsync(YearSettings settings)
    {
        var run = new YearRun(settings);
        run._clock.Now -= TimeSpan.FromDays(YearSettings.Days);
        foreach (BlobKey key in run._keys) await run._tiers[^1].PutBytesAsync(key, Payload);
        run._clock.Now += TimeSpan.FromDays(YearSettings.Days);
        run.Note(new YearDay());
        return run;
    }

    /// <summary>The cost of some days, and of the same in one tier alone.</summary>
    public CostEstimate CostOf(IReadOnlyList<YearDay> days) => CostEstimate.Of(
        [.. YearSettings.Tiers.Select((tier, i) => new TierLoad
        {
            Tier = tier,
            Bytes = days.Average(day => day.Bytes[i]),
            Reads = days.Sum(day => day.Asked[i]),
            Writes = days.Sum(day => day.Arrivals[i]),
        })],
        YearSettings.Prices,
        days.Count / (YearSettings.Days / 12.0),
        StoredBytes,
        days.Sum(day => day.Reads.Sum()),
        days.Sum(day => day.Writes));

    public async Task RunDayAsync(CancellationToken cancellationToken)
    {
        var day = new YearDay();
        int shift = Days.Count * _settings.FallenADay;
        for (int hour = 0; hour < YearSettings.HoursADay; hour++)
        {
            double share = (1 - (Math.Cos(2 * Math.PI * hour / YearSettings.HoursADay) / 2)) / YearSettings.HoursADay;
            int requests = (int)(_settings.RequestsADay * share);
            for (int i = 0; i < requests; i++)
            {
                int key = (_sampler.Next(_random) + shift) % _settings.Keys;
                if (_random.Next(YearSettings.WritesOneIn) == 0) await WriteAsync(key, day);
                else await ReadAsync(key);
                if (i % DrainEvery == DrainEvery - 1) _store.Tracker.Drain();
            }

            Settle();
            _store.Tracker.Drain();
            for (int tier = 0; tier < _tiers.Length; tier++) day.Bytes[tier] += (double)_tiers[tier].Bytes / YearSettings.HoursADay;
            _clock.Now += TimeSpan.FromHours(1);
            await TierAsync(day, cancellationToken);
        }

        Note(day);
        Days.Add(day);
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    private async ValueTask ReadAsync(int key)
    {
        if (_pending.Count == MostPending || _pending.Contains(key)) Settle();
        if (_store.TryRead(_keys[key], out _)) return;
        await using BlobReadResult read = await _store.ReadAsync(_keys[key]) ?? throw new InvalidOperationException($"'{_keys[key]}' is lost.");
        _pending.Add(key);
    }

    private async ValueTask WriteAsync(int key, YearDay day)
    {
        // A write turns away copies of other keys that are being made: which ones is a matter of their hashes.
        Settle();
        await _store.PutBytesAsync(_keys[key], Payload);
        _pending.Add(key);
        day.Writes++;
    }

    /// <summary>Waits until the copies are made that reads and writes asked for.</summary>
    private void Settle()
    {
        if (_pending.Count == 0) return;
        var wait = new SpinWait();
        while (!_store.IsIdle) wait.SpinOnce(sleep1Threshold: -1);
        _pending.Clear();
    }

    private async Task TierAsync(YearDay day, CancellationToken cancellationToken)
    {
        TieringReport report = await _store.Tiering.RunTieringAsync(null, null, cancellationToken);
        if (report.Left + report.Failed + report.Overtaken + report.Refused > 0) throw new InvalidOperationException($"A run did not do all that was due: {report}");
        day.Demoted += report.Demoted;
        day.LookedAt += report.LookedAt;
    }

    /// <summary>Notes what the tiers have done since the last time.</summary>
    private void Note(YearDay day)
    {
        IReadOnlyList<TierStatistics> tiers = _store.GetTierStatistics();
        if (tiers.FirstOrDefault(tier => tier.Errors > 0 || tier.Evictions > 0) is { } troubled) throw new InvalidOperationException($"The tiers shall neither fail nor be full: {troubled}");
        long[] answered = [.. tiers.Select(tier => tier.Hits)], asked = [.. _tiers.Select(tier => tier.Reads)], written = [.. _tiers.Select(tier => tier.Writes)];
        long promoted = tiers.Sum(tier => tier.Promotions);
        for (int i = 0; i < _tiers.Length; i++)
        {
            day.Reads[i] = answered[i] - _answered[i];
            day.Asked[i] = asked[i] - _asked[i] + (i == 0 ? day.Reads[0] : 0);
            day.Arrivals[i] = written[i] - _written[i];
        }

        day.Promoted = promoted - _promoted;
        (_answered, _asked, _written, _promoted) = (answered, asked, written, promoted);
    }
}
