"""`python -m ctest_containers.node`, which nodes of a cluster start for a run."""

from ctest_containers.node.process import main

if __name__ == "__main__":
    main()
