using System.Diagnostics;
using System.Globalization;

namespace Strata.Workload;

/// <summary>Writers that go through their steps and acknowledge each, until they are through or the process is killed.</summary>
/// <remarks>What the store refuses is acknowledged as that and printed; then all must still be readable, and the next step is tried.</remarks>
internal static class WriteCommand
{
    /// <summary>How the process ends: well, with something wrong in the store, or without having opened it.</summary>
    public const int Well = 0, Wrong = 4, NotOpened = 3;

    /// <summary>Printed when the store is open.</summary>
    public const string Opened = "opened";

    public static async Task<int> RunAsync(WorkloadSettings settings)
    {
        DiskBlobStore store;
        try
        {
            store = await DiskBlobStore.OpenAsync(settings.Store);
        }
        catch (StorageException e)
        {
            Console.WriteLine(Describe("open", e));
            return NotOpened;
        }

        return await RunAsync(settings, store, null);
    }

    /// <summary>Writes to a store that is open.</summary>
    /// <param name="settings">How much.</param>
    /// <param name="store">The store.</param>
    /// <param name="beside">What goes on meanwhile, until the process is killed; null: nothing.</param>
    public static async Task<int> RunAsync(WorkloadSettings settings, IBlobStore store, Func<Task>? beside)
    {
        await Console.Out.WriteLineAsync(Opened);
        if (settings.WaitsForWord) await Console.In.ReadLineAsync();
        var script = new Script(settings.Seed, settings.KeysPerWriter);
        try
        {
            if (settings.Writers == 1 && beside is null) await WriteAsync(store, settings, script, 0);
            else await AllAsync([.. Enumerable.Range(0, settings.Writers).Select(w => Task.Run(() => WriteAsync(store, settings, script, w))), .. beside is null ? [] : (Task[])[Task.Run(beside)]]);
            await store.DisposeAsync();
            return Well;
        }
        catch (Exception e)
        {
            await Console.Out.WriteLineAsync($"wrong: {e}");
            return Wrong;
        }
    }

    /// <summary>The first that fails ends all: a writer that stands still says nothing.</summary>
    private static async Task AllAsync(Task[] tasks)
    {
        await foreach (Task ended in Task.WhenEach(tasks)) await ended;
    }

    private static async Task WriteAsync(IBlobStore store, WorkloadSettings settings, Script script, int writer)
    {
        bool mayLoseFiles = settings.Durability == DiskDurability.OperatingSystem;
        Held[] before = await StoreReader.ReadAsync(store, script, writer, mayLoseFiles);
        for (long number = settings.FirstStep; settings.Steps == 0 || number < settings.FirstStep + settings.Steps; number++)
        {
            StepResult result;
            try
            {
                result = await PerformAsync(store, script, writer, number) ? StepResult.Applied : StepResult.Unchanged;
                script.Apply(before, writer, number);
            }
            catch (PartlyDeletedException e)
            {
                result = StepResult.Partly;
                await Console.Out.WriteLineAsync(Describe("DeleteMany", e.Error));
                Held[] now = await StoreReader.ReadAsync(store, script, writer, mayLoseFiles);
                CheckDeleted(e.Result, script, writer, number, before, now);
                before = now;
            }
            catch (StorageException e)
            {
                result = e.Outcome == WriteOutcome.Unknown ? StepResult.Unknown : StepResult.NotApplied;
                await Console.Out.WriteLineAsync(Describe(script.StepOf(writer, number).Kind.ToString(), e));
                Held[] now = await StoreReader.ReadAsync(store, script, writer, mayLoseFiles);
                if (!now.AsSpan().SequenceEqual(before)) throw new InvalidDataException($"after step {number} was refused, its keys hold something else than before", e);
            }

            Console.WriteLine(new Acknowledgement(writer, result, number, Stopwatch.GetTimestamp()).ToString());
        }
    }

    /// <returns>False if there was nothing to do.</returns>
    private static async ValueTask<bool> PerformAsync(IBlobStore store, Script script, int writer, long number)
    {
        Step step = script.StepOf(writer, number);
        BlobKey key = Script.KeyOf(writer, step.Key);
        string name = number.ToString(CultureInfo.InvariantCulture);
        var options = new WriteOptions { Metadata = new Dictionary<string, string> { [StoreReader.ContentName] = name, [StoreReader.RevisionName] = name } };
        switch (step.Kind)
        {
            case StepKind.Put:
                return (await store.PutBytesAsync(key, script.ContentOf(writer, number), options)).IsWritten;
            case StepKind.Compose:
                await ComposeAsync(store, key, script.ContentOf(writer, number), options);
                return true;
            case StepKind.Update:
                return (await store.UpdateAsync(key, new BlobChanges { MetadataEdits = new Dictionary<string, string?> { [StoreReader.RevisionName] = name } })).IsWritten;
            case StepKind.Delete:
                return (await store.DeleteAsync(key)).Status == DeleteStatus.Deleted;
            default:
                DeleteManyResult deleted = await store.DeleteManyAsync([.. Enumerable.Range(step.Key, Script.Several).Select(k => Script.KeyOf(writer, k % script.KeysPerWriter))]);
                if (deleted.IsComplete) return deleted.Deleted > 0;

                // Of all the same, and none is gone: then it is as of a single one.
                StorageException[] errors = [.. deleted.Outcomes.Where(o => o.Error is not null).Select(o => o.Error!)];
                throw deleted.Deleted == 0 && errors.All(e => e.Outcome == errors[0].Outcome) ? errors[0] : new PartlyDeletedException(deleted, errors[0]);
        }
    }

    /// <summary>What is told of each key holds: it is gone, or as it was, or nobody knows.</summary>
    private static void CheckDeleted(DeleteManyResult result, Script script, int writer, long number, Held[] before, Held[] now)
    {
        for (int key = 0; key < script.KeysPerWriter; key++)
        {
            DeleteOutcome[] told = [.. result.Outcomes.Where(o => o.Key == Script.KeyOf(writer, key))];
            bool isGone = told.Any(o => o.Status == DeleteStatus.Deleted), isInDoubt = told.Any(o => o.Error?.Outcome == WriteOutcome.Unknown);
            if (now[key] != (isGone ? default : before[key]) && !isInDoubt) throw new InvalidDataException($"after step {number} was refused in part, {Script.KeyOf(writer, key)} holds {now[key]}, and was told {string.Join(", ", told.Select(o => o.Status))}");
        }
    }

    private static async ValueTask ComposeAsync(IBlobStore store, BlobKey key, byte[] content, WriteOptions options)
    {
        if (!store.TryGetFacet(out IMultipartUploads? uploads))
        {
            await store.PutBytesAsync(key, content, options);
            return;
        }

        MultipartUpload upload = await uploads.CreateAsync(key, options);
        int half = content.Length / 2;
        PartReference[] parts = [await PartAsync(uploads, upload, 1, content.AsMemory(0, half)), await PartAsync(uploads, upload, 2, content.AsMemory(half))];
        CompleteResult completed = await uploads.CompleteAsync(key, upload.Id, parts);
        if (completed.Status != CompleteStatus.Completed) throw new InvalidOperationException($"an upload that nobody else touched was not completed: {completed.Status}");
    }

    private static async ValueTask<PartReference> PartAsync(IMultipartUploads uploads, MultipartUpload upload, int number, ReadOnlyMemory<byte> bytes)
    {
        await using IBlobWriter writer = await uploads.OpenPartAsync(upload.Key, upload.Id, number) ?? throw new InvalidOperationException("an upload that nobody else touched is gone");
        await writer.WriteAsync(bytes, CancellationToken.None);
        return new PartReference(number, (await writer.CommitAsync(null, CancellationToken.None)).Info!.ETag);
    }

    /// <summary>Each key of a delete of several has an outcome of its own.</summary>
    private sealed class PartlyDeletedException(DeleteManyResult result, StorageException error) : Exception(error.Message, error)
    {
        public DeleteManyResult Result { get; } = result;

        public StorageException Error { get; } = error;
    }

    private static string Describe(string what, StorageException e) => $"refused: {what} {e.Kind} {e.Outcome} {e.Message.ReplaceLineEndings(" ")}";
}
