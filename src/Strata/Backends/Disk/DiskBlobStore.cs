using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>
/// Blobs in a folder, one file each, with an index of all of them in memory. One that was uploaded in parts keeps their
/// files, and a list of them.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the rename of a finished file into place and, with <see cref="DiskDurability.Flush"/>, the
/// flush of its folder. A crash leaves the old blob or the new one.</para>
/// <para><b>Limits of this first form:</b> opening reads the trailer of every file; the index holds each blob's metadata,
/// some 500 bytes a blob and 40 a part; <see cref="UpdateAsync"/> rewrites the payload of a blob that was not uploaded in
/// parts; the format (docs/formats/disk-store.md) will give way to the log engine's, without migration.</para>
/// </remarks>
public sealed partial class DiskBlobStore : IBlobStore, IStoreStatistics, IEvictionSource
{
    private readonly DiskBlobStoreOptions _options;
    private readonly DiskFolder _folder;
    private readonly TimeProvider _clock;
    private readonly ArrayPool<byte> _buffers;
    private readonly ILogger _log;
    private readonly OperationGate _gate;
    private readonly KeyLocks _locks = new();
    private readonly OrderedIndex<DiskEntry> _index = new();
    private readonly DiskUploadFiles _uploadFiles;
    private readonly DiskUploads _uploads;
    private readonly Tombstones _tombstones;
    private readonly VersionClock _versions;

    private DiskBlobStore(DiskBlobStoreOptions options, DiskFolder folder, StoreContext context)
    {
        _options = options;
        _folder = folder;
        _clock = context.Clock;
        _buffers = context.Buffers;
        _log = context.Loggers.CreateLogger<DiskBlobStore>();
        _gate = new OperationGate(options.Name);
        _tombstones = new Tombstones(_clock);
        _uploadFiles = new DiskUploadFiles(folder, _log);
        _uploads = new DiskUploads(this, folder, _uploadFiles, _locks, _clock, options.UploadExpiry, _log);
        BlobVersion floor = Load();
        BlobVersion persisted = folder.ReadClock();
        _versions = new VersionClock(_clock, persisted > floor ? persisted : floor, ReserveVersions);
        Capabilities = new StoreCapabilities
        {
            Store = options.Name, IsVolatile = options.Evicts, MaxBlobLength = options.MaxBytes ?? long.MaxValue, MultipartUploads = !options.Evicts,
        };
        _sweeper = SweepAsync(_closing.Token);
    }

    /// <inheritdoc/>
    public event Action<BlobKey, long>? Evicted;

    /// <inheritdoc/>
    public StoreCapabilities Capabilities { get; }

    /// <summary>Takes the folder and reads what is in it.</summary>
    /// <exception cref="StorageException">Of kind Owned, AccessDenied, Full or Unavailable.</exception>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public static async ValueTask<DiskBlobStore> OpenAsync(DiskBlobStoreOptions options, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(options.Path);
        if (options.MaxBytes < 64 << 10) throw new ArgumentException($"MaxBytes must be 64 KiB or more; it is {options.MaxBytes}.", nameof(options));
        if (options is { Evicts: true, MaxBytes: null }) throw new ArgumentException("A disk store that evicts needs MaxBytes.", nameof(options));
        if (options.UploadExpiry <= TimeSpan.Zero) throw new ArgumentException("UploadExpiry must be more than 0.", nameof(options));
        context ??= StoreContext.Default;
        return await Task.Run(
            () =>
            {
                DiskFolder? folder = null;
                try
                {
                    folder = DiskFolder.Open(options, context.Loggers.CreateLogger<DiskBlobStore>());
                    return new DiskBlobStore(options, folder, context);
                }
                catch (Exception e)
                {
                    folder?.Dispose();
                    if (DiskErrors.IsDiskError(e)) throw DiskErrors.Map(e, "open", null, options.Name, options.Path);
                    throw;
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "stat", cancellationToken);
        return new(Visible(key)?.Info);
    }

    /// <inheritdoc/>
    public async ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "read", cancellationToken);
        DiskEntry? missing = null;
        while (Visible(key) is { } entry)
        {
            entry.Visited = true;
            BlobReadStatus status = options?.Evaluate(entry.Info.ETag) ?? BlobReadStatus.Found;
            long offset = 0, length = entry.Info.Length;
            if (status == BlobReadStatus.Found && options?.Range?.TryResolve(entry.Info.Length, out offset, out length) == false) status = BlobReadStatus.RangeNotSatisfiable;
            if (status != BlobReadStatus.Found) return BlobReadResult.WithoutBytes(status, entry.Info, _options.Name);
            if (entry.Parts is { } parts)
            {
                // Without a lease it was replaced or evicted since it was looked up: look again.
                if (parts.TryLease() is not { } lease) continue;
                return new DiskComposedResult(entry.Info, lease, _uploadFiles, offset, length, _options.Name, _buffers);
            }

            try
            {
                return await ReadFileAsync(entry, offset, length, cancellationToken).ConfigureAwait(false);
            }
            catch (FileNotFoundException e) when (!ReferenceEquals(entry, missing))
            {
                // Replaced or evicted since it was looked up: look again. Missing a second time, it is gone indeed.
                missing = entry;
                _log.LogDebug(e, "A file was replaced while it was opened");
            }
            catch (InvalidDataException e)
            {
                throw StorageException.Corrupt("read", key, _options.Name, e.Message, e);
            }
            catch (FileNotFoundException e)
            {
                throw StorageException.Corrupt("read", key, _options.Name, "its file is gone", e);
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                throw Error(e, "read", key);
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        CheckCapacity(key, content.Length);
        DiskBlobWriter writer = NewWriter(key, options, content.Length);
        await using (writer.ConfigureAwait(false))
        {
            if (content.TryGetSequence(out ReadOnlySequence<byte> bytes))
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
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        return await Task.Run(() => Delete(key, condition), CancellationToken.None).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) =>
        BulkDelete.OneByOneAsync(this, keys, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        using OperationGate.Pass pass = Enter(key, "update", cancellationToken);
        Capabilities.Check(key, condition, "update");
        BlobLimits.Check(changes);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        if (Visible(key) is not { } entry) return WriteResult.Missing;
        if (!condition.Holds(entry.Info)) return WriteResult.PreconditionFailed(entry.Info);
        if (entry.Parts is not null) return await Task.Run(() => Update(entry, changes), CancellationToken.None).ConfigureAwait(false);
        BlobReadResult? current = await ReadAsync(key, null, cancellationToken).ConfigureAwait(false);
        if (current is null) return WriteResult.Missing;
        await using (current.ConfigureAwait(false))
        {
            BlobInfo info = NewBlob.Update(entry.Info, changes, _versions.Next(entry.Info.Version), _clock.GetUtcNow());
            DiskBlobWriter writer = NewWriter(key, new WriteOptions { AsCopyOf = info }, info.Length);
            await using (writer.ConfigureAwait(false))
            {
                Stream stream = current.OpenStream();
                await using (stream.ConfigureAwait(false)) await writer.WriteFromAsync(stream, cancellationToken).ConfigureAwait(false);
                return await Task.Run(() => Commit(writer, null), CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(source, "copy", cancellationToken);
        Capabilities.Check(source, options?.SourceCondition ?? default, "copy");
        Capabilities.Check(target, options?.Condition ?? default, "copy");
        if (options?.Replace is { } changes) BlobLimits.Check(changes);
        BlobReadResult? read = await ReadAsync(source, null, cancellationToken).ConfigureAwait(false);
        if (read is null) return WriteResult.Missing;
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
        return new(_index.List(request, entry => entry.IsVisible(_clock) ? entry.Info : null));
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => (facet = this as T ?? (_options.Evicts ? null : _uploads as T)) is not null;

    /// <inheritdoc/>
    public StoreStatistics GetStatistics() => new()
    {
        Blobs = _index.Count,
        Bytes = Interlocked.Read(ref _bytes),
        MaxBytes = _options.MaxBytes,
        Evictions = Interlocked.Read(ref _evictions),
        Expirations = Interlocked.Read(ref _expirations),
    };

    /// <summary>Waits for what is under way, then gives the folder free.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        await _closing.CancelAsync().ConfigureAwait(false);
        await _sweeper.ConfigureAwait(false);
        _closing.Dispose();
        try
        {
            _folder.WriteClock(_versions.Last);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            _log.LogWarning(e, "Cannot write the version clock at close; the limit persisted before stays in force");
        }

        _folder.Dispose();
    }

    internal StorageException Error(Exception e, string operation, BlobKey? key, WriteOutcome outcome = WriteOutcome.NotApplied) =>
        DiskErrors.Map(e, operation, key, _options.Name, _folder.Path, outcome);

    private void ReserveVersions(BlobVersion limit)
    {
        try
        {
            _folder.WriteClock(limit);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw Error(e, "write", null);
        }
    }

    internal OperationGate.Pass Enter(string operation) => _gate.Enter(operation);

    internal OperationGate.Pass Enter(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        StoreCapabilities.CheckKey(key);
        cancellationToken.ThrowIfCancellationRequested();
        return _gate.Enter(operation);
    }

    private DiskEntry? Visible(BlobKey key) => _index.TryGet(key, out DiskEntry? entry) && entry.IsVisible(_clock) ? entry : null;

    private async ValueTask<BlobReadResult> ReadFileAsync(DiskEntry entry, long offset, long length, CancellationToken cancellationToken)
    {
        SafeFileHandle file = File.OpenHandle(_folder.PathOf(entry), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            if (length == entry.Info.Length && length <= DiskBlobResult.MaxInMemory && entry.Info.Checksum is { } checksum)
            {
                byte[] bytes = GC.AllocateUninitializedArray<byte>((int)length);
                bool isWhole = length <= DiskBlobFile.ChunkBytes
                    ? DiskBlobFile.TryReadExactly(file, bytes, 0)
                    : await Task.Run(() => DiskBlobFile.TryReadExactly(file, bytes, 0), cancellationToken).ConfigureAwait(false);
                if (!isWhole || Crc32C.Of(bytes) != checksum) throw new InvalidDataException("its bytes do not match their checksum");
                file.Dispose();
                return new DiskBlobResult.InMemory(entry.Info, bytes, _options.Name);
            }

            return new DiskBlobResult.Streamed(entry.Info, file, DiskBlobFile.ReadTrailer(file).Chunks, offset, length, _options.Name, _buffers);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
