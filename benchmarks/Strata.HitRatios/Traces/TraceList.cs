namespace Strata.HitRatios;

/// <summary>The traces, generated from a fixed seed: popular keys alone, with scans between, with a set that moves at once or bit by bit, and a loop.</summary>
internal static class TraceList
{
    private const double Exponent = 0.99;
    private const int Seed = 20_240_229;
    private const int SmallestSize = 100;
    private const int LargestSize = 1 << 20;

    /// <summary>The store holds real values: of the large ones there are fewer.</summary>
    private const int FewerSized = 20;

    /// <summary>
    /// Each kind with values of one size, of which 1,000,000 keys are asked for 8,000,000 times, and with values of 100 B to
    /// 1 MiB, log-uniform, 50,000 keys and 400,000 requests. The budget is a tenth of all bytes.
    /// </summary>
    /// <param name="fewer">How many times fewer keys and requests.</param>
    public static IEnumerable<Trace> All(int fewer)
    {
        foreach (bool isSized in (bool[])[false, true])
        {
            int keys = 1_000_000 / fewer / (isSized ? FewerSized : 1), requests = 8 * keys;
            double optimum = new ZipfSampler(keys, Exponent).ShareOf(keys / 10);
            yield return Make("Zipf", Zipf(keys, requests), keys, keys, isSized) with { StaticOptimum = isSized ? null : optimum };
            yield return Make("scans", Scans(keys, requests), keys, keys * 3, isSized) with { StaticOptimum = isSized ? null : optimum };
            yield return Make("shifts", Shifts(keys, requests, keys, keys / 10), keys, keys, isSized);
            yield return Make("drift", Shifts(keys, requests, keys / 100, keys / 1000), keys, keys, isSized);
            yield return Make("loop", Loop(keys * 3 / 20, requests), keys, keys, isSized) with { IsLoop = true };
        }
    }

    private static Trace Make(string name, int[] requests, int keys, int universe, bool isSized)
    {
        var random = new Random(Seed);
        double span = Math.Log((double)LargestSize / SmallestSize);
        int[] sizes = [.. Enumerable.Range(0, universe).Select(_ => isSized ? (int)(SmallestSize * Math.Exp(random.NextDouble() * span)) : SmallestSize)];
        return new Trace(isSized ? $"{name}, 100 B to 1 MiB" : name, requests, sizes, sizes.Take(keys).Sum(size => (long)size) / 10);
    }

    /// <summary>Popularity by Zipf, which never changes.</summary>
    private static int[] Zipf(int keys, int requests)
    {
        var random = new Random(Seed);
        var sampler = new ZipfSampler(keys, Exponent);
        int[] keyOfRank = Shuffled(keys, random);
        var trace = new int[requests];
        for (int i = 0; i < requests; i++) trace[i] = keyOfRank[sampler.Next(random)];
        return trace;
    }

    /// <summary>The same, and a sixth of all requests between: runs through half as many keys as fit, each asked for once in a long while.</summary>
    private static int[] Scans(int keys, int requests)
    {
        int run = keys / 20, between = keys / 4, cold = 0;
        int[] popular = Zipf(keys, requests);
        var trace = new List<int>(requests + run);
        for (int i = 0; trace.Count < requests; i++)
        {
            trace.Add(popular[i]);
            if (i % between != between - 1) continue;
            for (int j = 0; j < run; j++) trace.Add(~(keys + (cold++ % (2 * keys))));
        }

        return [.. trace];
    }

    /// <summary>Popularity by Zipf, but every so many requests some of the most popular keys become the least popular, and all others rise.</summary>
    private static int[] Shifts(int keys, int requests, int every, int fallen)
    {
        var random = new Random(Seed);
        var sampler = new ZipfSampler(keys, Exponent);
        int[] keyOfRank = Shuffled(keys, random);
        var trace = new int[requests];
        for (int i = 0, shift = 0; i < requests; i++)
        {
            if (i % every == every - 1) shift = (shift + fallen) % keys;
            trace[i] = keyOfRank[(sampler.Next(random) + shift) % keys];
        }

        return trace;
    }

    /// <summary>One key after the other, half as many again as fit, round and round.</summary>
    private static int[] Loop(int keys, int requests) => [.. Enumerable.Range(0, requests).Select(i => i % keys)];

    private static int[] Shuffled(int count, Random random)
    {
        int[] all = [.. Enumerable.Range(0, count)];
        random.Shuffle(all);
        return all;
    }
}
