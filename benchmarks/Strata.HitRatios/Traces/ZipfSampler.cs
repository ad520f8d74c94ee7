namespace Strata.HitRatios;

/// <summary>Draws ranks whose popularity falls as a power of the rank, in constant time (the alias method; Walker, 1977).</summary>
internal sealed class ZipfSampler
{
    private readonly double _exponent;
    private readonly double _sum;
    private readonly double[] _stay;
    private readonly int[] _alias;

    public ZipfSampler(int count, double exponent)
    {
        _exponent = exponent;
        _stay = new double[count];
        _alias = new int[count];
        for (int rank = 0; rank < count; rank++) _sum += _stay[rank] = WeightOf(rank);
        var rich = new Stack<int>();
        var poor = new Stack<int>();
        for (int rank = 0; rank < count; rank++)
        {
            _stay[rank] *= count / _sum;
            (_stay[rank] < 1 ? poor : rich).Push(rank);
        }

        while (poor.Count > 0 && rich.Count > 0)
        {
            int taker = poor.Pop(), giver = rich.Pop();
            _alias[taker] = giver;
            _stay[giver] -= 1 - _stay[taker];
            (_stay[giver] < 1 ? poor : rich).Push(giver);
        }

        foreach (int rank in poor.Concat(rich)) _stay[rank] = 1;
    }

    /// <summary>The next rank; 0 is the most popular.</summary>
    public int Next(Random random)
    {
        int rank = random.Next(_stay.Length);
        return random.NextDouble() < _stay[rank] ? rank : _alias[rank];
    }

    /// <summary>How many of the requests ask for one of the first ranks, 0 to 1.</summary>
    public double ShareOf(int ranks) => Enumerable.Range(0, ranks).Sum(WeightOf) / _sum;

    private double WeightOf(int rank) => Math.Pow(rank + 1, -_exponent);
}
