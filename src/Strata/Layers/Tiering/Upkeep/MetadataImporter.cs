namespace Strata;

/// <summary>Gives blobs the metadata of an export: the whole file is read once before the first change, and a second time to make them.</summary>
internal sealed class MetadataImporter(UpkeepParts parts, IBlobStore store, ImportMetadataOptions options, IProgress<UpkeepProgress>? progress)
{
    private const int BatchBlobs = 64;
    private const int Parallelism = 8;
    private const int MostAttempts = 3;
    private long _blobs;
    private long _applied;
    private long _unchanged;
    private long _missing;
    private long _other;
    private long _expired;
    private long _overtaken;

    public async ValueTask<MetadataImport> RunAsync(Stream source, CancellationToken cancellationToken)
    {
        options.Check();
        if (source.CanSeek) return await RunTwiceAsync(source, cancellationToken).ConfigureAwait(false);
        string path = Path.Combine(Path.GetTempPath(), $"strata-import-{Guid.NewGuid():N}");
        var create = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous };
        if (!OperatingSystem.IsWindows()) create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var kept = new FileStream(path, create);
        await using (kept.ConfigureAwait(false))
        {
            await KeepAsync(source, kept, cancellationToken).ConfigureAwait(false);
            kept.Position = 0;
            return await RunTwiceAsync(kept, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask KeepAsync(Stream source, FileStream kept, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[64 << 10];
        int read;
        while ((read = await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            if (kept.Position + read > options.MaxBytes) throw new StorageException(StorageErrorKind.TooLarge, $"The export of metadata is longer than {options.MaxBytes} bytes; nothing was imported.") { Operation = "import", Store = parts.Store };
            await kept.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<MetadataImport> RunTwiceAsync(Stream source, CancellationToken cancellationToken)
    {
        long start = source.Position;
        var whole = new MetadataFile(source, options.MaxBytes);
        await foreach (DescribedBlob _ in whole.ReadAsync(cancellationToken).ConfigureAwait(false)) _blobs++;
        source.Position = start;
        var batch = new List<DescribedBlob>(BatchBlobs);
        await foreach (DescribedBlob blob in new MetadataFile(source, options.MaxBytes).ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            batch.Add(blob);
            if (batch.Count == BatchBlobs) await ApplyAsync(batch, cancellationToken).ConfigureAwait(false);
        }

        await ApplyAsync(batch, cancellationToken).ConfigureAwait(false);
        return new MetadataImport
        {
            Exported = whole.Exported, Store = whole.Store, Blobs = _blobs, Applied = _applied, Unchanged = _unchanged, Missing = _missing, OtherContent = _other, Expired = _expired, Overtaken = _overtaken,
        };
    }

    private async ValueTask ApplyAsync(List<DescribedBlob> batch, CancellationToken cancellationToken)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(batch, parallel, ApplyAsync).ConfigureAwait(false);
        if (batch.Count > 0) progress?.Report(new UpkeepProgress(_applied + _unchanged + _missing + _other + _expired + _overtaken, _applied, 0, batch[^1].Info.Key.Value));
        batch.Clear();
    }

    private async ValueTask ApplyAsync(DescribedBlob blob, CancellationToken cancellationToken)
    {
        for (int attempt = 0; attempt < MostAttempts; attempt++)
        {
            if (await parts.Origin.StatAsync(blob.Info.Key, cancellationToken).ConfigureAwait(false) is not { } current)
            {
                Interlocked.Increment(ref _missing);
                return;
            }

            if (!options.OverOtherContent && !blob.HasContentOf(current))
            {
                Interlocked.Increment(ref _other);
                return;
            }

            if (blob.ChangesTo(current) is not { } changes)
            {
                Interlocked.Increment(ref _unchanged);
                return;
            }

            if (blob.Info.Expires <= parts.Clock.GetUtcNow())
            {
                Interlocked.Increment(ref _expired);
                return;
            }

            WriteCondition condition = store.Capabilities.Conditions.HasFlag(WriteConditionKind.IfMatch) ? WriteCondition.IfMatch(current.ETag) : WriteCondition.None;
            WriteResult result = await store.UpdateAsync(blob.Info.Key, changes, condition, cancellationToken).ConfigureAwait(false);
            if (!result.IsWritten) continue;
            Interlocked.Increment(ref _applied);
            return;
        }

        Interlocked.Increment(ref _overtaken);
    }
}
