using System.Runtime.CompilerServices;
using Xunit;

namespace Strata.Testing;

/// <summary>A store beside a dictionary of what it must hold; each step changes or asks both, and compares.</summary>
internal sealed class StoreModel(IBlobStore store, FakeClock clock, int seed)
{
    private static readonly string[] Keys = ["a", "a/", "a/1", "a/2", "a_1", "b/x/1", "b/x/2", "b/y", "😀", "\uFFFD"];
    private static readonly string[] Prefixes = ["", "a", "a/", "b"];
    private readonly Random _random = new(seed);
    private readonly Dictionary<string, Entry> _entries = [];
    private readonly Dictionary<string, BlobVersion> _floors = [];
    private readonly Queue<string> _log = new();

    /// <summary>The last steps, for the message of a failure.</summary>
    public override string ToString() => string.Join('\n', _log);

    /// <summary>One random operation.</summary>
    public async Task StepAsync()
    {
        string key = Keys[_random.Next(Keys.Length)];
        switch (_random.Next(100))
        {
            case < 25: await WriteAsync(key, WholeAsync).ConfigureAwait(false); break;
            case < 30: await WriteAsync(key, StreamedAsync).ConfigureAwait(false); break;
            case < 33: await WriteAsync(key, InPartsAsync).ConfigureAwait(false); break;
            case < 43: await DeleteAsync(key).ConfigureAwait(false); break;
            case < 46: await DeleteManyAsync().ConfigureAwait(false); break;
            case < 56: await UpdateAsync(key).ConfigureAwait(false); break;
            case < 64: await CopyAsync(key, Keys[_random.Next(Keys.Length)]).ConfigureAwait(false); break;
            case < 85: await ReadAsync(key).ConfigureAwait(false); break;
            case < 93: await ListAsync().ConfigureAwait(false); break;
            default: MoveClock(); break;
        }
    }

    private async Task WriteAsync(string key, Func<BlobKey, byte[], WriteOptions, Task<WriteResult>> write)
    {
        byte[] bytes = new byte[_random.Next(4) == 0 ? _random.Next(100_000) : _random.Next(300)];
        _random.NextBytes(bytes);
        WriteOptions options = RandomOptions(key);
        Log($"write {key} {bytes.Length} bytes, {options.Condition}, expires {options.Expires}, {write.Method.Name}");
        bool holds = Holds(key, options.Condition);
        WriteResult result = await write(BlobKey.Parse(key), bytes, options).ConfigureAwait(false);
        Assert.Equal(holds ? WriteStatus.Written : WriteStatus.PreconditionFailed, result.Status);
        if (!holds) return;
        var expected = new BlobInfo
        {
            Key = BlobKey.Parse(key),
            Length = bytes.Length,
            ETag = options.ETag ?? result.Info!.ETag,
            Created = Visible(key)?.Info.Created ?? clock.GetUtcNow(),
            Modified = clock.GetUtcNow(),
            Expires = options.Expires,
            ContentType = options.ContentType,
            Metadata = options.Metadata ?? BlobInfo.NoMetadata,
        };
        Accept(key, expected, bytes, result.Info!);
    }

    private Task<WriteResult> WholeAsync(BlobKey key, byte[] bytes, WriteOptions options) => store.PutBytesAsync(key, bytes, options).AsTask();

    private async Task<WriteResult> StreamedAsync(BlobKey key, byte[] bytes, WriteOptions options)
    {
        IBlobWriter writer = await store.OpenWriterAsync(key, options).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable owned = writer.ConfigureAwait(false);
        await writer.WriteFromAsync(new MemoryStream(bytes)).ConfigureAwait(false);
        return await writer.CommitAsync(null, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Some of the parts come twice, and the last first; a store without uploads takes the bytes as a stream.</summary>
    private async Task<WriteResult> InPartsAsync(BlobKey key, byte[] bytes, WriteOptions options)
    {
        if (!store.TryGetFacet(out IMultipartUploads? uploads)) return await StreamedAsync(key, bytes, options).ConfigureAwait(false);
        MultipartUpload upload = await uploads.CreateAsync(key, options with { Condition = default, ETag = null }).ConfigureAwait(false);
        var parts = new List<PartReference>();
        int count = 1 + _random.Next(4), size = (bytes.Length + count - 1) / count;
        for (int i = count; i > 0; i--)
        {
            int from = Math.Min(bytes.Length, (i - 1) * size), length = Math.Min(size, bytes.Length - from);
            if (_random.Next(4) == 0) await PartAsync(new byte[_random.Next(500)]).ConfigureAwait(false);
            parts.Insert(0, new PartReference(i, await PartAsync(bytes.AsMemory(from, length)).ConfigureAwait(false)));

            async Task<string> PartAsync(ReadOnlyMemory<byte> part)
            {
                IBlobWriter? writer = await uploads.OpenPartAsync(key, upload.Id, i).ConfigureAwait(false);
                await using ConfiguredAsyncDisposable owned = writer!.ConfigureAwait(false);
                await writer!.WriteAsync(part, CancellationToken.None).ConfigureAwait(false);
                return (await writer.CommitAsync(null, CancellationToken.None).ConfigureAwait(false)).Info!.ETag;
            }
        }

        CompleteResult result = await uploads.CompleteAsync(key, upload.Id, parts, new CompleteOptions { Condition = options.Condition, ETag = options.ETag }).ConfigureAwait(false);
        if (result.Status == CompleteStatus.Completed) return WriteResult.Written(result.Info!, store.Capabilities.Store);
        Assert.Equal(CompleteStatus.PreconditionFailed, result.Status);
        Assert.True(await uploads.AbortAsync(key, upload.Id).ConfigureAwait(false));
        return WriteResult.PreconditionFailed(result.Info);
    }

    private async Task DeleteAsync(string key)
    {
        WriteCondition condition = RandomCondition(key);
        Log($"delete {key}, {condition}");
        DeleteStatus expected = !Holds(key, condition) ? DeleteStatus.PreconditionFailed : Visible(key) is null ? DeleteStatus.Missing : DeleteStatus.Deleted;
        DeleteResult result = await store.DeleteAsync(BlobKey.Parse(key), condition).ConfigureAwait(false);
        Assert.Equal(expected, result.Status);
        if (expected == DeleteStatus.PreconditionFailed) return;
        _entries.Remove(key);
        if (result.Version.IsKnown) _floors[key] = result.Version;
    }

    private async Task DeleteManyAsync()
    {
        string[] keys = [.. Enumerable.Range(0, 3).Select(_ => Keys[_random.Next(Keys.Length)]).Distinct()];
        Log($"delete {string.Join(' ', keys)}");
        DeleteManyResult result = await store.DeleteManyAsync([.. keys.Select(BlobKey.Parse)]).ConfigureAwait(false);
        foreach ((string key, DeleteOutcome outcome) in keys.Zip(result.Outcomes))
        {
            Assert.Equal(key, outcome.Key.Value);
            Assert.Equal(Visible(key) is null ? DeleteStatus.Missing : DeleteStatus.Deleted, outcome.Status);
            _entries.Remove(key);
        }
    }

    private async Task UpdateAsync(string key)
    {
        WriteCondition condition = RandomCondition(key);
        var changes = new BlobChanges
        {
            ContentType = _random.Next(2) == 0 ? $"type/{_random.Next(9)}" : default(Change<string?>),
            Expires = store.Capabilities.Expiry && _random.Next(2) == 0 ? RandomExpiry() : default(Change<DateTimeOffset?>),
        };
        Log($"update {key}, {changes.ContentType.Or("-")}, {changes.Expires.Or(null)}, {condition}");
        Entry? current = Visible(key);
        bool holds = Holds(key, condition);
        WriteResult result = await store.UpdateAsync(BlobKey.Parse(key), changes, condition).ConfigureAwait(false);
        Assert.Equal(current is null ? WriteStatus.Missing : holds ? WriteStatus.Written : WriteStatus.PreconditionFailed, result.Status);
        if (current is null || !holds) return;
        Assert.NotEqual(current.Info.ETag, result.Info!.ETag);
        Accept(key, changes.ApplyTo(current.Info) with { ETag = result.Info.ETag, Modified = clock.GetUtcNow() }, current.Bytes, result.Info);
    }

    private async Task CopyAsync(string source, string target)
    {
        WriteCondition condition = RandomCondition(target);
        Log($"copy {source} to {target}, {condition}");
        Entry? from = Visible(source);
        bool holds = Holds(target, condition);
        WriteResult result = await store.CopyAsync(BlobKey.Parse(source), BlobKey.Parse(target), new CopyOptions { Condition = condition }).ConfigureAwait(false);
        Assert.Equal(from is null ? WriteStatus.Missing : holds ? WriteStatus.Written : WriteStatus.PreconditionFailed, result.Status);
        if (from is null || !holds) return;
        BlobInfo expected = from.Info with
        {
            Key = BlobKey.Parse(target),
            ETag = result.Info!.ETag,
            Created = Visible(target)?.Info.Created ?? clock.GetUtcNow(),
            Modified = clock.GetUtcNow(),
        };
        Accept(target, expected, from.Bytes, result.Info);
    }

    private async Task ReadAsync(string key)
    {
        BlobRange? range = _random.Next(3) == 0 ? BlobRange.From(_random.Next(200), 1 + _random.Next(200)) : null;
        Log($"read {key} {range}");
        Entry? expected = Visible(key);
        BlobReadResult? result = await store.ReadAsync(BlobKey.Parse(key), range is null ? null : new ReadOptions { Range = range }).ConfigureAwait(false);
        BlobInfo? stat = await store.StatAsync(BlobKey.Parse(key)).ConfigureAwait(false);
        Assert.Equal(expected is null, result is null);
        Assert.Equal(expected is null, stat is null);
        if (result is null) return;
        await using (result.ConfigureAwait(false))
        {
            AssertSame(expected!.Info, stat!);
            AssertSame(expected.Info, result.Info);
            long offset = 0, length = expected.Bytes.Length;
            if (range is { } part && !part.TryResolve(expected.Bytes.Length, out offset, out length))
            {
                Assert.Equal(BlobReadStatus.RangeNotSatisfiable, result.Status);
                return;
            }

            byte[] bytes = await result.ToArrayAsync().ConfigureAwait(false);
            Assert.True(expected.Bytes.AsSpan((int)offset, (int)length).SequenceEqual(bytes), $"Other bytes of '{key}' were read.");
        }
    }

    private async Task ListAsync()
    {
        var request = new ListRequest
        {
            Prefix = Prefixes[_random.Next(Prefixes.Length)],
            Delimiter = _random.Next(2) == 0 ? "/" : null,
            StartAfter = _random.Next(3) == 0 ? Keys[_random.Next(Keys.Length)] : null,
            Limit = 1 + _random.Next(12),
        };
        Log($"list {request}");
        List<(string Text, bool IsPrefix)> expected = ExpectedListing.Of(Keys.Where(k => Visible(k) is not null), request);
        ListPage page = await store.ListPageAsync(request).ConfigureAwait(false);
        Assert.Equal(expected.Take(request.Limit).Where(e => !e.IsPrefix).Select(e => e.Text), page.Items.Select(i => i.Key.Value));
        Assert.Equal(expected.Take(request.Limit).Where(e => e.IsPrefix).Select(e => e.Text), page.Prefixes);
        Assert.Equal(expected.Count <= request.Limit, page.Token is null);
        foreach (BlobInfo info in page.Items) AssertSame(_entries[info.Key.Value].Info, info);
    }

    private void MoveClock()
    {
        TimeSpan by = TimeSpan.FromMilliseconds(_random.Next(4_000));
        Log($"clock +{by}");
        clock.Advance(by);
    }

    /// <summary>Takes up a change that the store reports, after checking it against what was expected.</summary>
    private void Accept(string key, BlobInfo expected, byte[] bytes, BlobInfo actual)
    {
        BlobVersion before = _entries.TryGetValue(key, out Entry? old) ? old.Info.Version : default;
        if (_floors.TryGetValue(key, out BlobVersion floor) && floor > before) before = floor;
        Assert.True(actual.Version > before, $"The version {actual.Version} of '{key}' does not rise above {before}.");
        AssertSame(expected with { Version = actual.Version }, actual);
        Assert.True(actual.Checksum is null || actual.Checksum == Crc32C.Of(bytes));
        _entries[key] = new Entry(bytes, actual);
        _floors.Remove(key);
    }

    private Entry? Visible(string key) =>
        _entries.TryGetValue(key, out Entry? entry) && (entry.Info.Expires is not { } expires || clock.GetUtcNow() < expires) ? entry : null;

    private bool Holds(string key, WriteCondition condition) => condition.Holds(Visible(key)?.Info);

    private WriteOptions RandomOptions(string key) => new()
    {
        Condition = RandomCondition(key),
        ContentType = _random.Next(3) == 0 ? "text/plain" : null,
        Expires = store.Capabilities.Expiry && _random.Next(4) == 0 ? RandomExpiry() : null,
        ETag = _random.Next(8) == 0 ? $"given-{_random.Next()}" : null,
        Metadata = _random.Next(4) == 0 ? new Dictionary<string, string> { ["n"] = $"ü{_random.Next(100)}" } : null,
    };

    private DateTimeOffset RandomExpiry() => clock.GetUtcNow() + TimeSpan.FromMilliseconds(_random.Next(-100, 15_000));

    /// <summary>IfOlder is left to its own tests: what it compares with outlives the blob.</summary>
    private WriteCondition RandomCondition(string key)
    {
        WriteCondition condition = _random.Next(8) switch
        {
            0 => WriteCondition.IfAbsent,
            1 => WriteCondition.IfMatch(_entries.TryGetValue(key, out Entry? entry) ? entry.Info.ETag : "none"),
            2 => WriteCondition.IfMatch(_random.Next(2) == 0 ? "*" : "wrong"),
            _ => WriteCondition.None,
        };
        return store.Capabilities.Conditions.HasFlag(condition.Kind) ? condition : WriteCondition.None;
    }

    private void Log(string step)
    {
        _log.Enqueue($"{clock.GetUtcNow():HH:mm:ss.fff} {step}");
        if (_log.Count > 40) _log.Dequeue();
    }

    private static void AssertSame(BlobInfo expected, BlobInfo actual)
    {
        Assert.Equal(Comparable(expected), Comparable(actual));
        Assert.Equal(expected.Metadata.OrderBy(p => p.Key), actual.Metadata.OrderBy(p => p.Key));

        static BlobInfo Comparable(BlobInfo info) => info with { Tier = null, AccessCount = null, LastAccess = null, Checksum = null, Metadata = BlobInfo.NoMetadata };
    }

    private sealed record Entry(byte[] Bytes, BlobInfo Info);
}
