namespace Strata.Benchmarks;

/// <summary>An object store through Strata against its bare SDK: small objects, a large one, a long listing.</summary>
internal abstract class ObjectStoreCase : BenchmarkCase
{
    private const int Small = 1 << 10;
    private const int Large = 64 << 20;
    private const int Objects = 256;
    private const int Listed = 100_000;
    private static readonly byte[] Bytes = Payload.Of(Small);
    private readonly byte[] _large = Payload.Of(Large);

    /// <summary>Adds the rows of one server.</summary>
    /// <param name="contest">Where to.</param>
    /// <param name="server">What the rows call it.</param>
    /// <param name="ours">Strata's store as it is by default: it looks at what a write replaces.</param>
    /// <param name="blind">The same without the look: as many requests as the SDK makes.</param>
    /// <param name="sdk">The bare SDK.</param>
    protected async Task CompareAsync(Contest contest, string server, ObjectCalls ours, ObjectCalls blind, ObjectCalls sdk)
    {
        await Writers.RunAsync(16, Objects, async (_, number) => await sdk.PutAsync(KeyOf("get", number), Bytes));
        foreach (int callers in (int[])[1, 16])
        {
            Lane get = Add(contest, "get", callers, async number => Sink.Expect(await ours.GetAsync(KeyOf("get", number)), Small));
            Lane sdkGet = Add(contest, "SDK", callers, async number => Sink.Expect(await sdk.GetAsync(KeyOf("get", number)), Small));
            Lane put = Add(contest, "put", callers, number => ours.PutAsync(KeyOf("ours", number), Bytes));
            Lane blindPut = Add(contest, "put without a look", callers, number => blind.PutAsync(KeyOf("blind", number), Bytes));
            Lane sdkPut = Add(contest, "SDK", callers, number => sdk.PutAsync(KeyOf("sdk", number), Bytes));
            await contest.RunAsync();
            string by = callers == 1 ? "1 caller" : $"{callers} callers";
            contest.Higher($"{server}: get of 1 KiB, {by}", "objects/s", Series.PerSecond(get), Series.PerSecond(sdkGet));
            contest.Higher($"{server}: put of 1 KiB, {by}", "objects/s", Series.PerSecond(put), Series.PerSecond(sdkPut));
            contest.Higher($"{server}: put of 1 KiB without a look, {by}", "objects/s", Series.PerSecond(blindPut), Series.PerSecond(sdkPut));
        }

        await CompareLargeAsync(contest, server, ours, sdk);
        await CompareListAsync(contest, server, ours, sdk);
    }

    private async Task CompareLargeAsync(Contest contest, string server, ObjectCalls ours, ObjectCalls sdk)
    {
        await sdk.PutLargeAsync("large/get", _large);
        Series[] figures = await contest.RunTrialsAsync(
            ("up", () => RateAsync(() => ours.PutLargeAsync("large/ours", _large))),
            ("SDK", () => RateAsync(() => sdk.PutLargeAsync("large/sdk", _large))),
            ("down", () => RateAsync(async () => Sink.Expect(await ours.GetAsync("large/get"), Large))),
            ("SDK", () => RateAsync(async () => Sink.Expect(await sdk.GetAsync("large/get"), Large))));
        contest.Higher($"{server}: 64 MiB up", "MiB/s", figures[0], figures[1]);
        contest.Higher($"{server}: 64 MiB down", "MiB/s", figures[2], figures[3]);

        static Task<double> RateAsync(Func<Task> work) => MeasureAsync(work, Large / 1048576.0);
    }

    private static async Task CompareListAsync(Contest contest, string server, ObjectCalls ours, ObjectCalls sdk)
    {
        await Writers.RunAsync(32, Listed, async (_, number) => await sdk.PutAsync(KeyOf("list", number), []));
        Series[] figures = await contest.RunTrialsAsync(
            ("list", () => MeasureAsync(async () => Sink.Expect(await ours.ListAsync("list/"), Listed), Listed)),
            ("SDK", () => MeasureAsync(async () => Sink.Expect(await sdk.ListAsync("list/"), Listed), Listed)));
        contest.Higher($"{server}: list of 100,000", "objects/s", figures[0], figures[1]);
    }

    private static async Task<double> MeasureAsync(Func<Task> work, double amount)
    {
        long start = TimeProvider.System.GetTimestamp();
        await work();
        return amount / TimeProvider.System.GetElapsedTime(start).TotalSeconds;
    }

    private static Lane Add(Contest contest, string name, int callers, Func<int, Task> work) => contest.Add(
        name, (_, operations) => Writers.RunAsync(callers, operations, async (_, number) => await work(number % Objects)));

    private static string KeyOf(string folder, int number) => $"{folder}/object-{number:d6}";
}
