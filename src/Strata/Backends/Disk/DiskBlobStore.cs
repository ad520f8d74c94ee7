using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Blobs in a folder: a thin face over a log-structured engine. Metadata and payload of a blob are entries of one log, a
/// payload of more than 1 MiB is in files of its own.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the log's, of one batch: with <see cref="DiskDurability.Flush"/> its fdatasync, which writes
/// that wait at the same time share. A crash leaves the old blob or the new one.</para>
/// <para><b>Cost:</b> every key is in memory, at most its bytes and 32 more. A blob of up to 4 KiB is one entry, a longer
/// one two, and <see cref="UpdateAsync"/> writes the first of them alone. Opening reads keys, not values. The folder takes
/// up to about twice what counts, because compaction runs behind the writes.</para>
/// <para>The format is in docs/formats/disk-store.md.</para>
/// </remarks>
public sealed partial class DiskBlobStore : IBlobStore, IStoreStatistics, IEvictionSource
{
    private readonly DiskBlobStoreOptions _options;
    private readonly DiskFolder _folder;
    private readonly LogEngine _log;
    private readonly ValueFiles _values;
    private readonly TimeProvider _clock;
    private readonly DiskClock _time;
    private readonly ArrayPool<byte> _buffers;
    private readonly ILogger _logger;
    private readonly OperationGate _gate;
    private readonly DiskBooks _books;
    private readonly DiskUploads _uploads;
    private readonly DiskRetiredFiles _retired;
    private readonly VersionClock _versions;

    private DiskBlobStore(DiskBlobStoreOptions options, DiskFolder folder, StoreContext context)
    {
        _options = options;
        _folder = folder;
        _context = context;
        _log = folder.Log;
        _values = folder.Values;
        _time = folder.Clock;
        _clock = context.Clock;
        _buffers = context.Buffers;
        _logger = context.Loggers.CreateLogger<DiskBlobStore>();
        _gate = new OperationGate(options.Name);
        _books = new DiskBooks(options.MaxBytes);
        _hand = new LogAgeWalk(_log);
        _retired = new DiskRetiredFiles(_log, _values, options.Durability == DiskDurability.Flush, options.MaxBytes, _logger);
        _uploads = new DiskUploads(this, _log, _values, _clock, options.UploadExpiry, _logger);
        Load(folder.Inventory);
        _versions = new VersionClock(_clock, IssuedVersions(folder.Inventory), ReserveVersions);
        Capabilities = new StoreCapabilities
        {
            Store = options.Name, IsVolatile = options.Evicts, MaxBlobLength = options.MaxBytes ?? long.MaxValue, MultipartUploads = !options.Evicts,
        };
        _rowsFound = folder.Inventory.Rows;
        if (_rowsFound is not null) OpenRows();
        _sweeper = SweepAsync(_closing.Token);
    }

    /// <inheritdoc/>
    public event Action<BlobKey, long>? Evicted;

    /// <inheritdoc/>
    public StoreCapabilities Capabilities { get; }

    /// <summary>Takes the folder and reads which keys are in it.</summary>
    /// <exception cref="StorageException">Of kind Owned, AccessDenied, Full, Unavailable; Corrupt: what was durable is damaged; Unsupported: the folder is of another version.</exception>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public static async ValueTask<DiskBlobStore> OpenAsync(DiskBlobStoreOptions options, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        context ??= StoreContext.Default;
        DiskFolder folder = await Task.Run(() => DiskFolder.Open(options, context), cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => new DiskBlobStore(options, folder, context), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            folder.Inventory.Rows?.Expiries.Dispose();
            await folder.CloseAsync(null).ConfigureAwait(false);
            if (DiskErrors.IsDiskError(e)) throw DiskErrors.Map(e, "open", null, options.Name, options.Path);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "stat", cancellationToken);
        return new(Stat(key));
    }

    /// <inheritdoc/>
    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "read", cancellationToken);
        return new(Open(key, options));
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        CheckCapacity(key, content.Length);
        bool isInMemory = content.TryGetSequence(out ReadOnlySequence<byte> bytes);
        if (isInMemory && bytes.Length <= DiskPayload.MaxInLog)
        {
            var payload = DiskPayload.Of(bytes);
            NewBlob.Verify(key, _options.Name, payload.Length, payload.Checksum, content.Length, options, null);
            return await PutAsync(key, payload, options, null).ConfigureAwait(false);
        }

        DiskBlobWriter writer = NewWriter(key, options, content.Length);
        await using (writer.ConfigureAwait(false))
        {
            if (isInMemory)
            {
                foreach (ReadOnlyMemory<byte> piece in bytes) await writer.WriteAsync(piece, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                Stream stream = content.OpenStream();
                await using (stream.ConfigureAwait(false)) await writer.WriteFromAsync(stream, cancellationToken).ConfigureAwait(false);
            }

            return await writer.CommitAsync(null, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        return new(NewWriter(key, options, null));
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "delete", cancellationToken);
        Capabilities.Check(key, condition, "delete");
        while (true)
        {
            using DiskChange change = NewChange();
            DeleteResult result = PrepareDelete(change, key, condition);
            if (change.Batch.Count == 0 || await TryCommitAsync(change, "delete", key).ConfigureAwait(false)) return result;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        using OperationGate.Pass pass = Enter(key, "update", cancellationToken);
        Capabilities.Check(key, condition, "update");
        BlobLimits.Check(changes);
        while (true)
        {
            using DiskChange change = NewChange();
            if (PrepareUpdate(change, key, changes, condition) is { } refused) return refused;
            if (await TryCommitAsync(change, "update", key).ConfigureAwait(false)) return WriteResult.Written(change.Info!, _options.Name);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(source, "copy", cancellationToken);
        Capabilities.Check(source, options?.SourceCondition ?? default, "copy");
        Capabilities.Check(target, options?.Condition ?? default, "copy");
        if (options?.Replace is { } changes) BlobLimits.Check(changes);
        if (Open(source, null) is not { } read) return WriteResult.Missing;

        // What is in the log goes from there to there; the result keeps it where it is.
        await using (read.ConfigureAwait(false))
        {
            if (options?.SourceCondition.Holds(read.Info) == false) return WriteResult.PreconditionFailed(read.Info);
            return await WriteAsync(target, BlobContent.From(read), NewBlob.CopyOf(read.Info, options), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = _gate.Enter("list");
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        return new(List(request));
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => (facet = this as T ?? (_options.Evicts ? null : _uploads as T)) is not null;

    /// <inheritdoc/>
    public StoreStatistics GetStatistics()
    {
        LogStatistics log = _log.GetStatistics();
        ValueFileStatistics values = _values.GetStatistics();
        return new StoreStatistics
        {
            Blobs = _books.Blobs,
            Bytes = _books.Bytes,
            MaxBytes = _options.MaxBytes,
            FileBytes = log.FileBytes + values.AllocatedBytes,
            Fault = log.ReadOnlyBecause is { } why ? $"It takes no writes until it is opened again, because {why}."
                : log.LastBackgroundError is { } compaction ? $"Compaction is in trouble: {compaction}"
                : values.LastBackgroundError is { } removal ? $"A file of a deleted value cannot be removed: {removal}"
                : values.Missing > 0 ? $"{values.Missing} files of large values are missing."
                : null,
            Evictions = Interlocked.Read(ref _evictions),
            Expirations = Interlocked.Read(ref _expirations),
        };
    }

    /// <summary>What the engine under the store holds and does.</summary>
    internal LogStatistics GetLogStatistics() => _log.GetStatistics();

    /// <summary>What the files of large payloads hold.</summary>
    internal ValueFileStatistics GetValueFileStatistics() => _values.GetStatistics();

    /// <summary>Waits for what is under way, puts all of it on the medium, then gives the folder free.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        await _closing.CancelAsync().ConfigureAwait(false);
        await _sweeper.ConfigureAwait(false);
        _closing.Dispose();
        _evicting.Dispose();
        try
        {
            if (_rows is { } rows) await rows.CloseAsync().ConfigureAwait(false);
            await _retired.CloseAsync().ConfigureAwait(false);
        }
        finally
        {
            await _folder.CloseAsync(_versions.Last).ConfigureAwait(false);
        }
    }

    internal ArrayPool<byte> Buffers => _buffers;

    internal StorageException Error(Exception e, string operation, BlobKey? key) => DiskErrors.Map(e, operation, key, _options.Name, _folder.Path);

    internal OperationGate.Pass Enter(string operation) => _gate.Enter(operation);

    internal OperationGate.Pass Enter(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        StoreCapabilities.CheckKey(key);
        cancellationToken.ThrowIfCancellationRequested();
        return _gate.Enter(operation);
    }

    private static void Check(DiskBlobStoreOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(options.Path);
        if (options.MaxBytes < 64 << 10) throw new ArgumentException($"MaxBytes must be 64 KiB or more; it is {options.MaxBytes}.", nameof(options));
        if (options is { Evicts: true, MaxBytes: null }) throw new ArgumentException("A disk store that evicts needs MaxBytes.", nameof(options));
        if (options.MaxIndexBytes < 1 << 20) throw new ArgumentException($"MaxIndexBytes must be 1 MiB or more; it is {options.MaxIndexBytes}.", nameof(options));
        if (options.CompactionBytesPerSecond < 1 << 20) throw new ArgumentException($"CompactionBytesPerSecond must be 1 MiB or more; it is {options.CompactionBytesPerSecond}.", nameof(options));
        if (options.SyncInterval <= TimeSpan.Zero) throw new ArgumentException("SyncInterval must be more than 0.", nameof(options));
        if (options.UploadExpiry <= TimeSpan.Zero) throw new ArgumentException("UploadExpiry must be more than 0.", nameof(options));
    }

    private DiskBlobWriter NewWriter(BlobKey key, WriteOptions? options, long? declared) => new(this, _values, key, declared, inFile: false, async (payload, commit) =>
    {
        NewBlob.Verify(key, _options.Name, payload.Length, payload.Checksum, declared, options, commit);
        return await PutAsync(key, payload, options, commit).ConfigureAwait(false);
    });

    private void ReserveVersions(BlobVersion limit)
    {
        try
        {
            _time.Write(limit);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw Error(e, "write", null);
        }
    }
}
