using System.Globalization;
using Strata.Workload;
using Xunit.Sdk;

namespace Strata.Reliability;

/// <summary>
/// System calls that fail, do nothing, or are the last ones of their process, on a real folder: a clear error, reads go on,
/// and writes resume or the log is read-only as CONSISTENCY 7 says; what is opened afterwards is old or new, never mixed.
/// </summary>
public sealed class InjectedFaultTests(ITestOutputHelper output) : IDisposable
{
    private const string Compaction = "strata-compacti";

    /// <summary>Which calls, what may happen to each, and how many of them one thread makes in a short run.</summary>
    private static readonly (string Call, string[] Effects, int Calls)[] Calls =
    [
        ("pwrite64", [InjectedFault.Error, InjectedFault.Full, InjectedFault.TakesNothing, InjectedFault.Kill], 60),
        ("fdatasync", [InjectedFault.Error, InjectedFault.Kill], 60),
        ("fsync", [InjectedFault.Error, InjectedFault.Kill], 12),
        ("rename", [InjectedFault.Error, InjectedFault.Kill], 8),
        ("unlink", [InjectedFault.Error, InjectedFault.Kill], 8),
        ("fallocate", [InjectedFault.Full, InjectedFault.Kill], 4),
        ("ftruncate", [InjectedFault.Error, InjectedFault.Kill], 2),
    ];

    private readonly TemporaryFolder _folder = new();
    private int _hit;
    private int _refused;
    private int _readOnly;
    private int _notOpened;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_call_that_goes_wrong_anywhere_leaves_old_or_new_and_a_store_that_goes_on_or_says_why_not()
    {
        int seed = Random.Shared.Next(), tried = 0;
        output.WriteLine($"seed {seed}");
        StoreHistory history = await PrepareAsync(seed);
        foreach (IEnumerable<InjectedFault> faults in Faults(new Random(seed)))
        {
            foreach (InjectedFault fault in faults)
            {
                tried++;
                if (!await TryAsync(fault, history.Clone(), $"seed {seed}, {fault}") && LongForm.IsOn) break;
            }
        }

        output.WriteLine($"{tried} places, {_hit} of them reached; {_refused} steps refused, {_readOnly} logs read-only, {_notOpened} stores not opened");
        Assert.True(_readOnly > 0, "no log became read-only, though its medium was gone");
        Assert.True(_hit >= tried / 2, $"only {_hit} of {tried} calls that were to go wrong were made at all");
    }

    [Fact]
    public async Task A_medium_that_drops_what_it_said_to_have_taken_gives_no_wrong_bytes_for_it()
    {
        int seed = Random.Shared.Next(), tries = LongForm.Of(100, 3), told = 0;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        StoreHistory history = await PrepareAsync(seed);
        for (int i = 0; i < tries; i++)
        {
            var fault = new InjectedFault("pwrite64", InjectedFault.DropsSome, random.Next(1, 80));
            StoreHistory after = history.Clone();
            WorkloadSettings settings = Settings(after, await CopyAsync()) with { Steps = 100 };
            using WorkloadProcess process = WorkloadProcess.Start(settings, fault.Tracer(Path.Combine(_folder.Path, "trace")));
            int code = await process.ExitCodeAsync();
            string context = $"seed {seed}, {fault}: {process.Text}";
            Assert.True(code is WriteCommand.Well or WriteCommand.Wrong or WriteCommand.NotOpened && !process.Text.Contains(nameof(InvalidDataException), StringComparison.Ordinal), $"exit code {code}; {context}");
            try
            {
                await after.CheckAsync(process, settings, _ => false, context, mayLoseFiles: true);
            }
            catch (XunitException e) when (e.InnerException is StorageException { Kind: StorageErrorKind.Corrupt })
            {
                told++;
            }

            Directory.Delete(settings.Folder, recursive: true);
        }

        output.WriteLine($"{tries} writes of which something was dropped; {told} stores said at the opening, or at a read, that they are damaged");
    }

    /// <summary>The places, those of one kind together: where one is not reached, those behind are not either.</summary>
    private static IEnumerable<IEnumerable<InjectedFault>> Faults(Random random)
    {
        foreach ((string call, string[] effects, int calls) in Calls)
        {
            foreach (string effect in effects)
            {
                yield return LongForm.IsOn ? Enumerable.Range(1, 200).Select(at => new InjectedFault(call, effect, at)) : [new InjectedFault(call, effect, random.Next(1, calls + 1))];
            }
        }

        // A medium that is gone, and a disk that is full for a while.
        foreach ((string call, string effect, int times) in new[] { ("fdatasync", InjectedFault.Error, InjectedFault.Always), ("pwrite64", InjectedFault.Error, InjectedFault.Always), ("fallocate", InjectedFault.Full, 5) })
        {
            yield return LongForm.IsOn ? Enumerable.Range(1, 50).Select(at => new InjectedFault(call, effect, at, times)) : [new InjectedFault(call, effect, times == InjectedFault.Always ? random.Next(5, 40) : 1, times)];
        }

        // The compactor makes fewer calls than whoever writes, so that it would never be the first to make its n-th.
        foreach ((string call, string effect) in new[] { ("pwrite64", InjectedFault.Error), ("fdatasync", InjectedFault.Error), ("pwrite64", InjectedFault.Kill), ("fdatasync", InjectedFault.Kill), ("rename", InjectedFault.Kill) })
        {
            yield return LongForm.IsOn ? Enumerable.Range(1, 50).Select(at => new InjectedFault(call, effect, at, Thread: Compaction)) : [new InjectedFault(call, effect, random.Next(1, 5), Thread: Compaction)];
        }
    }

    private string Template => Path.Combine(_folder.Path, "template");

    /// <summary>A store as a kill has left it: so that opening has something to do.</summary>
    private async Task<StoreHistory> PrepareAsync(int seed)
    {
        var history = new StoreHistory(seed, writers: 1);
        WorkloadSettings settings = Settings(history, Template);
        using WorkloadProcess process = WorkloadProcess.Start(settings);
        await process.HasWrittenAsync(TimeSpan.FromMilliseconds(300));
        await process.KillAsync();
        string copy = await CopyAsync();
        await history.CheckAsync(process, settings with { Folder = copy }, _ => true, $"seed {seed}, before anything goes wrong");
        Directory.Delete(copy, recursive: true);
        return history;
    }

    private static WorkloadSettings Settings(StoreHistory history, string folder) =>
        history.Next(folder) with { SegmentBytes = LogOptions.MinSegmentBytes };

    private async Task<string> CopyAsync()
    {
        string copy = Path.Combine(_folder.Path, Guid.NewGuid().ToString("n"));
        await SystemCommand.RunAsync("cp", "-r", "--sparse=always", Template, copy);
        return copy;
    }

    /// <returns>False if the call was never made.</returns>
    private async Task<bool> TryAsync(InjectedFault fault, StoreHistory history, string context)
    {
        string folder = await CopyAsync(), trace = Path.Combine(_folder.Path, "trace");
        WorkloadSettings settings = Settings(history, folder) with { Steps = LongForm.Of(250, 100), WaitsForWord = fault.Thread is not null };
        using WorkloadProcess process = WorkloadProcess.Start(settings, fault.Thread is null ? fault.Tracer(trace) : null);
        int code = fault.Thread is null ? await process.ExitCodeAsync() : await RunTracedAsync(process, fault, trace);
        string seen = File.Exists(trace) ? await File.ReadAllTextAsync(trace) : "";
        bool wasHit = seen.Contains("(INJECTED)", StringComparison.Ordinal) || seen.Contains("killed by SIGKILL", StringComparison.Ordinal);
        context = $"{context}: {process.Text}";
        if (fault.Kills) Assert.True(code == (wasHit ? 137 : WriteCommand.Well), $"exit code {code}; {context}");
        else Assert.True(code == WriteCommand.Well || (code == WriteCommand.NotOpened && wasHit), $"exit code {code}; {context}");
        if (!fault.Kills) CheckErrors(fault, process, wasHit, context);
        await history.CheckAsync(process, settings, _ => true, context);
        Directory.Delete(folder, recursive: true);
        if (wasHit) _hit++;
        if (code == WriteCommand.NotOpened) _notOpened++;
        return wasHit;
    }

    private static async Task<int> RunTracedAsync(WorkloadProcess process, InjectedFault fault, string trace)
    {
        Assert.True(await process.OpenedAsync(), $"the store does not open: {process.Text}");
        string thread = process.ThreadNamed(fault.Thread!).ToString(CultureInfo.InvariantCulture);
        using WorkloadProcess tracer = WorkloadProcess.Start([.. fault.Tracer(trace).Where(a => a != "-qq"), "-p", thread]);
        await Eventually.HoldsAsync(() => tracer.Text.Contains("attached", StringComparison.Ordinal), "strace did not take the thread");
        await process.SayAsync();
        int code = await process.ExitCodeAsync();
        await tracer.ExitCodeAsync();
        return code;
    }

    private void CheckErrors(InjectedFault fault, WorkloadProcess process, bool wasHit, string context)
    {
        List<Acknowledgement> told = [.. process.Acknowledged];
        string[] refused = [.. process.Printed.Where(l => l.StartsWith("refused", StringComparison.Ordinal))];
        _refused += told.Count(t => t.Result is StepResult.NotApplied or StepResult.Unknown);
        Assert.True(wasHit || refused.Length == 0, $"something was refused, and nothing had gone wrong: {context}");
        const string ReadOnly = "takes no writes until it is opened again";
        string cause = fault.Effect == InjectedFault.Full ? "The disk is full" : "Input/output error";
        foreach (string line in refused) Assert.True(line.Contains(cause, StringComparison.Ordinal) || line.Contains(ReadOnly, StringComparison.Ordinal), $"'{line}' does not tell the cause: {context}");
        bool isReadOnly = refused.Any(l => l.Contains(ReadOnly, StringComparison.Ordinal));
        if (isReadOnly) _readOnly++;

        // An unknown outcome is only told by a log that takes no more writes (the step may be the last).
        int unknown = told.FindIndex(t => t.Result == StepResult.Unknown);
        if (unknown >= 0) Assert.True(told.Skip(unknown + 1).All(t => t.Result is StepResult.NotApplied or StepResult.Unchanged), $"writes went on after an unknown outcome: {context}");
        if (isReadOnly || unknown >= 0 || fault.Times == InjectedFault.Always) return;
        int last = told.FindLastIndex(t => t.Result == StepResult.NotApplied);
        Assert.True(last < 0 || last >= told.Count - 3 || told.Skip(last).Any(t => t.Result == StepResult.Applied), $"writes did not resume: {context}");
    }
}
