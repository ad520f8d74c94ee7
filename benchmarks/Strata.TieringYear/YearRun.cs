using Strata.HitRatios;

namespace Strata.TieringYear;

/// <summary>
/// Drives tracker, classifier and the rows of what is due through a year, as a tiered store does, but for the bytes: each blob is in
/// one tier, all begin in the cold one, a read that finds its blob in a slower tier than it belongs in by now promotes it, and every
/// hour a run demotes what is due.
/// </summary>
internal sealed class YearRun : IAsyncDisposable
{
    private const int Cold = 2;
    private const int AtOnce = 1_000;
    private const byte Uses = 1, Due = 2;
    private readonly YearSettings _settings;
    private readonly YearClock _clock = new();
    private readonly TierClassifier _classifier;
    private readonly AccessTracker _tracker;
    private readonly MemoryKvDatabase _database;
    private readonly AccessRows _rows;
    private readonly Random _random = new(YearSettings.Seed);
    private readonly ZipfSampler _sampler;
    private readonly BlobKey[] _keys;
    private readonly int[] _sizes;
    private readonly byte[] _tiers;
    private readonly DateTimeOffset[] _modified;
    private readonly long[] _bytes = new long[3];
    private readonly Dictionary<BlobKey, int> _numbers = [];

    public YearRun(YearSettings settings)
    {
        _settings = settings;
        var context = new StoreContext { Clock = _clock };
        var policy = new TieringPolicy();
        _classifier = new TierClassifier(policy, [new TierPlan { Name = "hot" }, new TierPlan { Name = "warm" }, new TierPlan { Name = "cold" }]);
        _tracker = new AccessTracker(policy, new AccessTrackerOptions { MaxFlushKeys = int.MaxValue }, context);
        _database = new MemoryKvDatabase(null, context);
        _rows = new AccessRows(_tracker, _classifier, _database, [Uses], [Due], context);
        _sampler = new ZipfSampler(settings.Keys, YearSettings.Exponent);

        // The rank of a key is its number: what is popular is told by nothing but its use.
        _keys = [.. Enumerable.Range(0, settings.Keys).Select(i => BlobKey.Parse($"blobs/{(uint)i * 2_654_435_761u:x8}"))];
        double span = Math.Log((double)YearSettings.LargestSize / YearSettings.SmallestSize);
        _sizes = [.. _keys.Select(_ => (int)(YearSettings.SmallestSize * Math.Exp(_random.NextDouble() * span)))];
        _modified = [.. _keys.Select(_ => _clock.Now.AddDays(-365 * _random.NextDouble()))];
        _tiers = new byte[settings.Keys];
        Array.Fill(_tiers, (byte)Cold);
        _bytes[Cold] = _sizes.Sum(size => (long)size);
        for (int i = 0; i < _keys.Length; i++) _numbers[_keys[i]] = i;
    }

    public List<YearDay> Days { get; } = [];

    public YearSettings Settings => _settings;

    public long StoredBytes => _bytes.Sum();

    public AccessTrackerStatistics Tracker => _tracker.GetStatistics();

    /// <summary>The cost of some days, and of the same in one tier alone.</summary>
    public CostEstimate CostOf(IReadOnlyList<YearDay> days) => CostEstimate.Of(
        [.. _classifier.Tiers.Select((tier, i) => new TierLoad
        {
            Tier = tier.Name,
            Bytes = days.Average(day => day.Bytes[i]),
            Reads = days.Sum(day => day.Reads[i] + day.Departures[i]),
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
                Ask((_sampler.Next(_random) + shift) % _settings.Keys, day);

                // Before a ring is full: counts are exact, and the year comes out the same on every machine.
                if (i % 100 == 99) _tracker.Drain();
            }

            _tracker.Drain();
            for (int tier = 0; tier <= Cold; tier++) day.Bytes[tier] += (double)_bytes[tier] / YearSettings.HoursADay;
            _clock.Now += TimeSpan.FromHours(1);
            await _rows.FlushAsync(cancellationToken);
            await DemoteAsync(day, cancellationToken);
        }

        Days.Add(day);
    }

    public async ValueTask DisposeAsync()
    {
        _rows.Dispose();
        _tracker.Dispose();
        await _database.DisposeAsync();
    }

    private void Ask(int key, YearDay day)
    {
        int tier = _tiers[key];
        if (_random.Next(YearSettings.WritesOneIn) == 0)
        {
            _modified[key] = _clock.Now;
            _tracker.RecordWrite(_keys[key]);
            day.Writes++;
            day.Arrivals[Place(key)]++;
            return;
        }

        day.Reads[tier]++;
        if (tier == 0)
        {
            _tracker.RecordAccess(_keys[key]);
            return;
        }

        _tracker.RecordWrite(_keys[key]);
        int target = Place(key);
        if (target == tier) return;
        day.Arrivals[target]++;
        day.Promoted++;
    }

    /// <summary>Moves a blob that was used to where it belongs by now, if that is faster.</summary>
    /// <returns>Where it is.</returns>
    private int Place(int key)
    {
        int target = Math.Min(_classifier.Classify(FactsOf(key)).Index, _tiers[key]);
        Move(key, target);
        return target;
    }

    private async Task DemoteAsync(YearDay day, CancellationToken cancellationToken)
    {
        while (await _rows.ReadDueAsync(_clock.Now, AtOnce, cancellationToken) is { Count: > 0 } due)
        {
            var settled = new (DueKey Key, DateTimeOffset? Next)[due.Count];
            for (int i = 0; i < settled.Length; i++)
            {
                int key = _numbers[due[i].Key];
                Classification found = _classifier.Classify(FactsOf(key));
                if (found.Index > _tiers[key])
                {
                    day.Departures[_tiers[key]]++;
                    day.Arrivals[found.Index]++;
                    day.Demoted++;
                    Move(key, found.Index);
                }

                settled[i] = (due[i], _tiers[key] == Cold ? null : found.Due ?? _clock.Now.AddHours(1));
            }

            day.LookedAt += due.Count;
            await _rows.SettleAsync(settled, cancellationToken);
        }
    }

    private PlacementFacts FactsOf(int key) => new() { Key = _keys[key], Length = _sizes[key], Modified = _modified[key], Now = _clock.Now, Use = _tracker.Peek(_keys[key]) };

    private void Move(int key, int target)
    {
        _bytes[_tiers[key]] -= _sizes[key];
        _bytes[target] += _sizes[key];
        _tiers[key] = (byte)target;
    }
}
