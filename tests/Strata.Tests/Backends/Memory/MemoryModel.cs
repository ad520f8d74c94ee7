using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>A small memory store beside a dictionary of what it must hold. A memory store answers at once, so that steps are plain calls.</summary>
internal sealed class MemoryModel : IDisposable
{
    private const int LeastBytes = 64 << 10;

    /// <summary>What an entry takes at most besides its payload, bookkeeping of few entries included.</summary>
    private const int MostOverhead = 500;

    private readonly FakeClock _clock = new();
    private readonly MemoryBlobStore _store;
    private readonly bool _evicts;
    private readonly Dictionary<BlobKey, Entry> _entries = [];
    private readonly Dictionary<BlobKey, Floor> _floors = [];
    private readonly List<BlobKey> _evicted = [];

    /// <summary>The highest version seen, and the highest that a tombstone had: of one that was dropped, all missing keys are taken for deleted at it.</summary>
    private BlobVersion _highest;
    private BlobVersion _highestFloor;
    private int _payloads;

    public MemoryModel(bool evicts)
    {
        _evicts = evicts;
        _store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = evicts, MaxBytes = LeastBytes }, StoreContext.Default with { Clock = _clock });
        _store.Evicted += (key, _) => _evicted.Add(key);
        _highest = BlobVersion.At(_clock.GetUtcNow());
    }

    /// <summary>Blobs that the store evicted.</summary>
    public int Evictions { get; private set; }

    /// <summary>Writes that it refused because it was full.</summary>
    public int Refusals { get; private set; }

    public void Run(MemorySteps steps)
    {
        foreach (MemoryStep step in steps.All)
        {
            Do(step);
            CheckAll();
        }

        CheckEmptied();
    }

    public void Dispose() => Assert.True(IsDone(_store.DisposeAsync()));

    private static BlobKey KeyOf(int number) => BlobKey.Parse(number % 5 == 0 ? $"ключ/{number}" : $"k/{number}");

    private static T Now<T>(ValueTask<T> call)
    {
        Assert.True(call.IsCompleted, "a memory store answers at once");
#pragma warning disable VSTHRD002 // it has answered
        return call.Result;
#pragma warning restore VSTHRD002
    }

    private static bool IsDone(ValueTask call) => call.IsCompletedSuccessfully;

    private void Do(MemoryStep step)
    {
        BlobKey key = KeyOf(step.Key);
        WriteCondition condition = ConditionOf(step.Condition, key);
        DateTimeOffset? expires = step.Minutes == 0 ? null : _clock.GetUtcNow().AddMinutes(step.Minutes);
        switch (step.Kind)
        {
            case MemoryStepKind.Put or MemoryStepKind.PutStream:
                Put(key, NewPayload(step.Length), new WriteOptions { Condition = condition, Expires = expires }, step.Kind == MemoryStepKind.PutStream);
                break;
            case MemoryStepKind.Delete:
                Delete(key, condition);
                break;
            case MemoryStepKind.Update:
                Update(key, condition, expires);
                break;
            case MemoryStepKind.Copy:
                Copy(key, KeyOf(step.Target));
                break;
            case MemoryStepKind.Read:
                Read(key);
                break;
            case MemoryStepKind.Advance:
                _clock.Advance(TimeSpan.FromMinutes(step.Minutes));
                Expire();
                break;
            case MemoryStepKind.Resize when _evicts:
                _store.MaxBytes = LeastBytes << (step.Length % 3);
                NoteEvictions(default);
                break;
            case MemoryStepKind.List:
                List(step.Length);
                break;
        }
    }

    private byte[] NewPayload(int length)
    {
        byte[] bytes = new byte[length];
        new Random(++_payloads).NextBytes(bytes);
        return bytes;
    }

    private WriteCondition ConditionOf(MemoryStepCondition condition, BlobKey key) => condition switch
    {
        MemoryStepCondition.IfAbsent => WriteCondition.IfAbsent,
        MemoryStepCondition.IfMatch => WriteCondition.IfMatch(_entries.GetValueOrDefault(key)?.ETag ?? "*"),
        MemoryStepCondition.IfMatchAnother => WriteCondition.IfMatch("another"),
        MemoryStepCondition.IfOlderThanLater => WriteCondition.IfOlder(BlobVersion.At(_highest.Time.AddMinutes(1))),
        MemoryStepCondition.IfOlderThanCurrent => WriteCondition.IfOlder(_entries.GetValueOrDefault(key)?.Version ?? _floors.GetValueOrDefault(key)?.Version ?? new BlobVersion(1)),
        _ => WriteCondition.None,
    };

    private void Put(BlobKey key, byte[] payload, WriteOptions options, bool isStreamed)
    {
        bool? before = Holds(options.Condition, key);
        BlobContent content = isStreamed ? BlobContent.FromStream(new MemoryStream(payload)) : BlobContent.From(payload);
        if (Written(() => Now(_store.WriteAsync(key, content, options)), key, payload.Length, options.Condition, before, _store.Capabilities.MaxBlobLength) is { } written)
            Accept(key, payload, written, options.Expires);
    }

    private void Copy(BlobKey source, BlobKey target)
    {
        Entry? copied = _entries.GetValueOrDefault(source);
        if (copied is null)
        {
            Assert.Equal(WriteStatus.Missing, Now(_store.CopyAsync(source, target)).Status);
            NoteEvictions(target);
        }
        else if (Written(() => Now(_store.CopyAsync(source, target)), target, copied.Payload.Length, WriteCondition.None, true, _store.Capabilities.MaxBlobLength) is { } written)
        {
            Accept(target, copied.Payload, written, copied.Expires);
        }
    }

    private void Update(BlobKey key, WriteCondition condition, DateTimeOffset? expires)
    {
        Entry? entry = _entries.GetValueOrDefault(key);
        bool? holds = Holds(condition, key);
        var changes = new BlobChanges { Expires = expires };
        long longest = Math.Max(entry?.Payload.Length ?? 0, _store.Capabilities.MaxBlobLength);
        if (entry is null)
        {
            Assert.Equal(WriteStatus.Missing, Now(_store.UpdateAsync(key, changes, condition)).Status);
            NoteEvictions(key);
        }
        else if (Written(() => Now(_store.UpdateAsync(key, changes, condition)), key, entry.Payload.Length, condition, holds, longest) is { } written)
        {
            Accept(key, entry.Payload, written, expires);
        }
    }

    /// <summary>Runs a write; null if it was rightly refused. A condition may find that its blob was evicted to make room for the write itself.</summary>
    private BlobInfo? Written(Func<WriteResult> write, BlobKey key, int length, WriteCondition condition, bool? before, long longest)
    {
        int held = _entries.Where(e => e.Key != key).Sum(e => e.Value.Payload.Length), count = _entries.Count + 1;
        try
        {
            WriteResult result = write();
            Assert.True(length <= longest, "a value longer than the longest was taken");
            Assert.True(_evicts || !result.IsWritten || held + length <= LeastBytes, "the store took more payload than it has room for");
            bool wasEvicted = _entries.ContainsKey(key) && _evicted.Contains(key);
            if (before is { } expected && !wasEvicted) Assert.Equal(expected ? WriteStatus.Written : WriteStatus.PreconditionFailed, result.Status);
            if (!result.IsWritten) NoteEvictions(key);
            return result.IsWritten ? result.Info : null;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.TooLarge)
        {
            Assert.True(length > longest && _evicted.Count == 0, $"a value of {length} bytes was refused as too long, with {longest} promised, and {_evicted.Count} blobs gave way");
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Full)
        {
            Refusals++;
            Assert.True(!_evicts && before != false && held + length + (count * MostOverhead) > LeastBytes, $"{held + length} bytes of payload in {count} blobs were refused, with room for {LeastBytes} under {condition}");
        }

        return null;
    }

    private void Delete(BlobKey key, WriteCondition condition)
    {
        bool? holds = Holds(condition, key);
        Entry? entry = _entries.GetValueOrDefault(key);
        DeleteResult result = Now(_store.DeleteAsync(key, condition));
        DeleteStatus done = entry is null ? DeleteStatus.Missing : DeleteStatus.Deleted;
        if (holds is { } expected) Assert.Equal(expected ? done : DeleteStatus.PreconditionFailed, result.Status);
        if (result.Status != DeleteStatus.PreconditionFailed)
        {
            _entries.Remove(key);
            if (result.Version.IsKnown) Bury(key, result.Version);
        }

        NoteEvictions(key);
    }

    private void Read(BlobKey key)
    {
        BlobReadResult? read = Now(_store.ReadAsync(key));
        Assert.Equal(_entries.ContainsKey(key), read is not null);
        if (read is not null) Assert.Equal(_entries[key].Payload, Now(read.ToArrayAsync()));
    }

    private void List(int limit)
    {
        var request = new ListRequest { Prefix = limit % 2 == 0 ? "" : "k/", Limit = 1 + (limit % 20) };
        string[] expected = [.. _entries.Keys.Select(k => k.Value).Where(k => k.StartsWith(request.Prefix, StringComparison.Ordinal)).Order(ExpectedListing.Utf8Order)];
        var listed = new List<string>();
        do
        {
            ListPage page = Now(_store.ListPageAsync(request));
            listed.AddRange(page.Items.Select(i => i.Key.Value));
            request = request with { Token = page.Token };
        }
        while (request.Token is not null);
        Assert.Equal(expected, listed);
    }

    /// <summary>Whether a condition holds; null where the store may know more of what was deleted than this, or less.</summary>
    private bool? Holds(WriteCondition condition, BlobKey key)
    {
        Entry? entry = _entries.GetValueOrDefault(key);
        switch (condition.Kind)
        {
            case WriteConditionKind.None: return true;
            case WriteConditionKind.IfAbsent: return entry is null;
            case WriteConditionKind.IfMatch: return entry is not null && (condition.ETag == "*" || condition.ETag == entry.ETag);
            default:
                if (entry is not null) return entry.Version < condition.Version;
                if (_floors.TryGetValue(key, out Floor? floor) && condition.Version <= floor.Version) return _clock.GetUtcNow() - floor.Since < Tombstones.Retention ? false : null;
                return condition.Version > _highestFloor ? true : null;
        }
    }

    private void Accept(BlobKey key, byte[] payload, BlobInfo written, DateTimeOffset? expires)
    {
        BlobVersion deleted = _floors.TryGetValue(key, out Floor? floor) && _clock.GetUtcNow() - floor.Since < Tombstones.Retention ? floor.Version : default;
        Assert.True(written.Version > (_entries.GetValueOrDefault(key)?.Version ?? default) && written.Version > deleted, $"{key} was written at a version that is not above what was there, or was deleted");
        if (written.Version > _highest) _highest = written.Version;
        _floors.Remove(key);
        _entries[key] = new Entry(payload, written.ETag, written.Version, expires);
        NoteEvictions(key);
    }

    private void Bury(BlobKey key, BlobVersion version)
    {
        _floors[key] = new Floor(version, _clock.GetUtcNow());
        if (version > _highestFloor) _highestFloor = version;
        if (version > _highest) _highest = version;
    }

    private void Expire()
    {
        foreach ((BlobKey key, Entry entry) in _entries.Where(e => e.Value.Expires <= _clock.GetUtcNow()).ToArray())
        {
            _entries.Remove(key);
            Bury(key, entry.Version);
            _floors[key] = _floors[key] with { Since = entry.Expires!.Value };
        }
    }

    /// <summary>Takes out what the store said it evicted. Of the key that was just written, the old blob or the new one may be meant: the store is asked.</summary>
    private void NoteEvictions(BlobKey written)
    {
        Evictions += _evicted.Count;
        foreach (BlobKey key in _evicted)
        {
            Assert.True(key == written || _entries.ContainsKey(key) || _floors.ContainsKey(key), $"{key} was evicted, and was not there");
            _floors.Remove(key);
            if (key != written || !_store.TryGetActivity(key, out _)) _entries.Remove(key);
        }

        _evicted.Clear();
    }

    private void CheckAll()
    {
        Assert.Empty(_evicted);
        for (int i = 0; i < MemoryStep.Keys; i++)
        {
            BlobKey key = KeyOf(i);
            Entry? entry = _entries.GetValueOrDefault(key);
            BlobInfo? info = Now(_store.StatAsync(key));
            Assert.True((entry?.ETag, entry?.Version) == (info?.ETag, info?.Version), $"{key} should be {entry} and is {info}");
        }

        StoreStatistics statistics = _store.GetStatistics();

        // What its bookkeeping grows by, a strict store cannot take back.
        Assert.True(statistics.Bytes <= statistics.MaxBytes * (_evicts ? 1 : 1.05), $"{statistics.Bytes} bytes are held, with a budget of {statistics.MaxBytes}");
    }

    /// <summary>An emptied store has given back every byte but for the names of what it evicted.</summary>
    private void CheckEmptied()
    {
        for (int i = 0; i < MemoryStep.Keys; i++) Now(_store.DeleteAsync(KeyOf(i)));
        _clock.Advance(TimeSpan.FromHours(3));
        Assert.InRange(_store.GetStatistics().Bytes, 0, _evicts ? 4096 : 0);
        Assert.Equal(0, _store.GetStatistics().Blobs);
    }

    private sealed record Entry(byte[] Payload, string ETag, BlobVersion Version, DateTimeOffset? Expires);

    private sealed record Floor(BlobVersion Version, DateTimeOffset Since);
}
