// Clusters that share two processors with each other would be judged for that, not for what they do.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
