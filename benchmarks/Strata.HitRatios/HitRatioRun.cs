namespace Strata.HitRatios;

/// <summary>Runs all policies on one trace.</summary>
internal static class HitRatioRun
{
    public static async Task<HitRatioRow> OfAsync(Trace trace)
    {
        List<string> names = [];
        List<double> ratios = [];
        foreach (Func<Trace, Policy> create in PolicyList.All)
        {
            Policy policy = create(trace);
            names.Add(policy.Name);
            ratios.Add(policy.Run());
            if (policy is IAsyncDisposable store) await store.DisposeAsync();
        }

        return new HitRatioRow(trace.Name, trace.StaticOptimum, names, ratios);
    }
}
