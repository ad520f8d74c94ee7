using System.Text;
using Xunit;

namespace Strata.Tests;

/// <summary>The tracker's table against a dictionary: a name that is lost or swapped would move the wrong blob.</summary>
public sealed class AccessTableTests
{
    [Fact]
    public void It_holds_what_a_dictionary_holds_whatever_is_dropped()
    {
        var random = new Random(4);
        var table = new AccessTable(long.MaxValue);
        Dictionary<string, float> model = [];
        for (int step = 0; step < 60_000; step++)
        {
            string name = random.Next(20_000) is var n && n % 50 == 0 ? $"{n}/{new string('ä', n % 500)}" : $"key/{n}";
            byte[] bytes = Encoding.UTF8.GetBytes(name);

            // Few hashes, so that many names share one.
            uint hash = (uint)(n % 3_000) * 7;
            int found = table.Find(hash, bytes);
            Assert.Equal(model.ContainsKey(name), found != AccessTable.None);
            if (found == AccessTable.None) found = table.Add(hash, bytes);
            table[found].Score = step;
            model[name] = step;
            if (n % 3 == 0) table.MarkChanged(found);
            if (step % 9_973 != 9_972) continue;
            HashSet<int> dropped = [.. Enumerable.Range(0, table.Count).Where(_ => random.Next(3) == 0)];
            foreach (int entry in dropped) model.Remove(Encoding.UTF8.GetString(table.NameOf(entry)));
            table.Compact(dropped.Contains);
            Assert.Equal(model.Count, table.Count);
            for (int i = 0; i < table.Count; i++) Assert.Equal(model[Encoding.UTF8.GetString(table.NameOf(i))], table[i].Score);
        }
    }

    [Fact]
    public void What_has_changed_is_taken_once_in_the_order_of_its_change()
    {
        var table = new AccessTable(long.MaxValue);
        int[] entries = [.. Enumerable.Range(0, 2_000).Select(i => table.Add((uint)i, Encoding.UTF8.GetBytes($"k{i}")))];
        foreach (int i in (int[])[5, 3, 5, 1_500, 3, 7]) table.MarkChanged(entries[i]);
        Assert.Equal(4, table.Changed);
        Assert.Equal([5, 3, 1_500, 7, AccessTable.None], [table.TakeChanged(), table.TakeChanged(), table.TakeChanged(), table.TakeChanged(), table.TakeChanged()]);
        table.MarkChanged(entries[3]);
        table.MarkChanged(entries[10]);
        table.Compact(entry => entry < 5);
        Assert.Equal(1, table.Changed);
        Assert.Equal("k10", Encoding.UTF8.GetString(table.NameOf(table.TakeChanged())));
        Assert.Equal(AccessTable.None, table.TakeChanged());
    }

    [Fact]
    public void It_takes_no_more_than_its_budget_and_says_when_it_is_full()
    {
        const long Budget = 1 << 20;
        var table = new AccessTable(Budget);
        int count = 0;
        while (table.Add((uint)count, Encoding.UTF8.GetBytes($"collection/{count:d8}")) != AccessTable.None) count++;
        Assert.InRange(table.Bytes, Budget / 2, Budget);
        Assert.True(count > 8_000, $"{count} keys fit into 1 MiB.");
        table.Compact(entry => entry % 2 == 0);
        Assert.NotEqual(AccessTable.None, table.Add(uint.MaxValue, "another"u8));
    }
}
